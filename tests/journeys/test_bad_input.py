"""Everything that is refused: with the right status and code, without an event, and without an echo."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts

from api.app import create_app
from api.auth import PUBLIC, declared_permissions
from ledger.access.roles import HELD, ROLES
from support.customer import Caller, Fields, Gateway, new_key
from support.running import Running, running

# One system for all of them: a refusal leaves nothing behind, and each test proves it.
pytestmark = pytest.mark.asyncio(loop_scope="module")

PAYMENTS = "/api/v1/payments"
NOBODYS = f"{PAYMENTS}/pay_00000000000000000000000000"
NO_SUBSCRIPTION = "/api/v1/subscriptions/sub_00000000000000000000000000"
GOOD: Fields = {"amount": 99_000, "currency": "IDR", "paymentMethod": "bca_va"}
CANARY = "Kanarienvogel"  # in no word of ours


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(shared_database: str, simulated: tuple[str, int]) -> AsyncIterator[Running]:
    gateway = Gateway(*simulated)
    async with running(shared_database, gateway) as started:
        for role in ROLES:
            await started.caller(role)
        yield started
    await gateway.close()


@pytest_asyncio.fixture(loop_scope="module")
async def shop(system: Running) -> AsyncIterator[Caller]:
    """Whatever is asked with it must leave the log as it was."""
    length = await system.log_length()
    yield await system.caller("admin")
    assert await system.log_length() == length, "a refusal left an event"


def check(answer: httpx2.Response, status: int, code: str) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}"), answer.text
    assert answer.json()["status"] == status
    assert CANARY not in answer.text


# ── the body of a payment ─────────────────────────────────────────────────────────────────────────────────────────

BODIES: dict[str, tuple[Fields, str]] = {
    "amount 0": ({"amount": 0}, "request_invalid"),
    "negative": ({"amount": -1}, "request_invalid"),
    "fractional": ({"amount": 99_000.5}, "request_invalid"),
    "a whole fraction": ({"amount": 99_000.0}, "request_invalid"),
    "a text": ({"amount": "99000"}, "request_invalid"),
    "true": ({"amount": True}, "request_invalid"),
    "null": ({"amount": None}, "request_invalid"),
    "a list": ({"amount": [99_000]}, "request_invalid"),
    "beyond what we count": ({"amount": 10**15 + 1}, "json_integer_too_large"),
    "below the method's limit": ({"amount": 9_999}, "amount_below_minimum"),
    "above the method's limit": ({"amount": 20_000_000_001}, "amount_above_maximum"),
    "unknown method": ({"paymentMethod": CANARY}, "method_unknown"),
    "unknown fallback": ({"fallbackMethods": [CANARY]}, "method_unknown"),
    "method with a blank": ({"paymentMethod": f"bca {CANARY}"}, "request_invalid"),
    "unknown currency": ({"currency": "USD"}, "currency_unknown"),
    "currency in small letters": ({"currency": "idr"}, "request_invalid"),
    "unknown country": ({"country": "SG"}, "method_not_in_country"),
    "country in words": ({"country": CANARY}, "request_invalid"),
    "unknown field": ({CANARY: 1}, "request_invalid"),
    "field in snake case twice": ({"payment_method": "gopay"}, "request_invalid"),
    "card without a token": ({"paymentMethod": "credit_card"}, "card_token_missing"),
    "capture later by transfer": ({"capture": "later"}, "capture_later_unsupported"),
    "unknown capture": ({"capture": CANARY}, "request_invalid"),
    "OVO without a phone": ({"paymentMethod": "ovo"}, "payer_field_missing"),
    "a phone in words": ({"payer": {"phone": CANARY}}, "request_invalid"),
    "an unknown field of the payer": ({"payer": {CANARY: "x"}}, "request_invalid"),
    "expiry too short": ({"expiresAfterSeconds": 1}, "expiry_out_of_bounds"),
    "expiry 0": ({"expiresAfterSeconds": 0}, "request_invalid"),
    "expiry of a year": ({"expiresAfterSeconds": 365 * 86_400}, "request_invalid"),
    "too much metadata": ({"metadata": {f"k{n}": "v" for n in range(21)}}, "request_invalid"),
    "a long text": ({"metadata": {"note": "x" * 256}}, "request_invalid"),
    "metadata that is no text": ({"metadata": {"note": 1}}, "request_invalid"),
    "unknown kind of sale": ({"sale": {"kind": CANARY}}, "request_invalid"),
    "six fallbacks": ({"fallbackMethods": ["gopay"] * 6}, "request_invalid"),
    "NUL": ({"metadata": {"note": f"{CANARY}\x00"}}, "nul_character"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_payment_that_cannot_be_is_refused(shop: Caller, name: str) -> None:
    changes, code = BODIES[name]

    answer = await shop.post(PAYMENTS, GOOD | changes)

    check(answer, 422, code)


@pytest.mark.parametrize("missing", ["amount", "paymentMethod"])
async def test_what_is_needed_cannot_be_left_out(shop: Caller, missing: str) -> None:
    answer = await shop.post(
        PAYMENTS, {name: value for name, value in GOOD.items() if name != missing}
    )

    check(answer, 422, "request_invalid")


async def test_a_refusal_says_where_and_which_rule(shop: Caller) -> None:
    answer = await shop.post(PAYMENTS, GOOD | {"amount": CANARY, CANARY: 1})

    assert answer.json()["errors"] == [
        {"location": "body.amount", "rule": "int_type"},
        {"location": "body.*", "rule": "extra_forbidden"},
    ]


RAW: dict[str, tuple[bytes, int, str]] = {
    "NaN": (b'{"amount":NaN}', 422, "json_number_not_finite"),
    "a number that overflows": (b'{"amount":1e999}', 422, "json_number_not_finite"),
    "5,000 digits": (b'{"amount":' + b"9" * 5_000 + b"}", 422, "json_integer_too_large"),
    "a key twice": (b'{"amount":1,"amount":99000}', 422, "json_key_repeated"),
    "20,000 deep": (b"[" * 20_000 + b"]" * 20_000, 422, "json_nested_too_deep"),
    "half a surrogate pair": (b'{"currency":"\\ud800"}', 422, "json_lone_surrogate"),
    "cut off": (b'{"amount":99', 400, "malformed_json"),
    "not UTF-8": (b'{"amount":"\xff"}', 400, "malformed_json"),
    "nothing": (b"", 422, "request_invalid"),
    "more than 64 KiB": (
        json.dumps(GOOD | {"metadata": {"n": CANARY * 6_000}}).encode(),
        413,
        "body_too_large",
    ),
}


@pytest.mark.parametrize("name", RAW)
async def test_what_is_not_our_json_is_refused(shop: Caller, name: str) -> None:
    content, status, code = RAW[name]

    answer = await shop.send("POST", PAYMENTS, content, Idempotency_Key=new_key())

    check(answer, status, code)


async def test_another_content_type_is_refused(shop: Caller) -> None:
    content = json.dumps(GOOD).encode()

    answer = await shop.send(
        "POST", PAYMENTS, content, Idempotency_Key=new_key(), Content_Type="text/plain"
    )

    check(answer, 415, "unsupported_media_type")


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────

MONEY = {
    "request": (PAYMENTS, GOOD),
    "capture": (f"{NOBODYS}/capture", {}),
    "cancel": (f"{NOBODYS}/cancel", {}),
    "refund": (f"{NOBODYS}/refund", {}),
}
MALFORMED_KEYS = [
    "short",
    "x" * 65,
    f"with blanks {CANARY}",
    "täst-" + "1" * 8,
    "semi;colon;semi",
    "",
]


@pytest.mark.parametrize("name", MONEY)
async def test_nothing_moves_without_an_idempotency_key(shop: Caller, name: str) -> None:
    path, body = MONEY[name]

    answer = await shop.send("POST", path, json.dumps(body).encode())

    check(answer, 400, "idempotency_key_missing")


@pytest.mark.parametrize("key", MALFORMED_KEYS)
async def test_a_malformed_idempotency_key_is_refused(
    system: Running, shop: Caller, key: str
) -> None:
    headers = [
        (b"Authorization", f"Bearer {shop.key}".encode()),
        (b"Content-Type", b"application/json"),
        (b"Idempotency-Key", key.encode()),
    ]
    answer = await system.http.post(
        f"{shop.url}{PAYMENTS}", content=json.dumps(GOOD).encode(), headers=headers
    )

    check(answer, 400, "idempotency_key_malformed")


async def test_one_key_for_two_requests_is_refused(system: Running) -> None:
    shop, key = await system.caller("admin"), new_key()
    made = await shop.post(PAYMENTS, GOOD, key=key)
    assert made.status_code == 201, made.text
    length = await system.log_length()

    check(
        await shop.post(PAYMENTS, GOOD | {"amount": 99_001}, key=key), 422, "idempotency_key_reused"
    )
    path = f"{PAYMENTS}/{made.json()['paymentId']}/cancel"
    check(await shop.post(path, {}, key=key), 422, "idempotency_key_reused")

    assert (await shop.post(PAYMENTS, GOOD, key=key)).content == made.content
    written_otherwise = json.dumps(dict(reversed(GOOD.items())), indent=1).encode()
    again = await shop.send("POST", PAYMENTS, written_otherwise, Idempotency_Key=key)
    assert again.content == made.content
    assert await system.log_length() == length


async def test_a_refusal_is_answered_the_same_again(shop: Caller) -> None:
    key, wrong = new_key(), GOOD | {"amount": 9_999}

    first, again = [await shop.post(PAYMENTS, wrong, key=key) for _ in range(2)]

    check(first, 422, "amount_below_minimum")
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_shape_that_was_wrong_may_be_corrected_under_the_same_key(system: Running) -> None:
    shop, key = await system.caller("admin"), new_key()
    check(await shop.post(PAYMENTS, GOOD | {"amount": 0}, key=key), 422, "request_invalid")

    assert (await shop.post(PAYMENTS, GOOD, key=key)).status_code == 201


# ── who asks ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _mistyped(key: str) -> str:
    return key[:-7] + ("A" if key[-7] != "A" else "B") + key[-6:]


STRANGERS: dict[str, Callable[[str], dict[str, str]]] = {
    "nobody": lambda _: {},
    "an empty key": lambda _: {"Authorization": "Bearer"},
    "another scheme": lambda key: {"Authorization": f"Basic {key}"},
    "no scheme": lambda key: {"Authorization": key},
    "no key of ours": lambda _: {"Authorization": f"Bearer {CANARY}"},
    "a mistyped key": lambda key: {"Authorization": f"Bearer {_mistyped(key)}"},
    "half a key": lambda key: {"X-Api-Key": key[:30]},
}


@pytest.mark.parametrize("name", STRANGERS)
async def test_a_stranger_gets_nothing_anywhere(system: Running, shop: Caller, name: str) -> None:
    headers = STRANGERS[name](shop.key)
    for method, path, _ in ROUTES:
        answer = await system.http.request(
            method, f"{system.url}{path}", json={} if method == "POST" else None, headers=headers
        )

        check(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_revoked_key_is_refused_at_once_where_it_was_revoked(system: Running) -> None:
    text, key_id = await system.wired.api_keys.issue("admin", "shop", "short-lived", by="test")
    brief = Caller(system.http, system.url, text)
    assert (await brief.get(PAYMENTS)).status_code == 200

    await system.wired.api_keys.revoke(key_id, by="test")

    check(await brief.get(PAYMENTS), 401, "unauthenticated")


FILLED = {
    "{customer_id}": "cus_nobody",
    "{method_id}": "pm_00000000000000000000000000",
    "{plan_id}": "no_such_plan",
    "{code}": "NO-SUCH",
    "{subscription_id}": "sub_00000000000000000000000000",
    "{bill_id}": "bill_00000000000000000000000000_1",
    "{payment_id}": "pay_00000000000000000000000000",
    "{account}": "Assets:Gateway:Midtrans:Pending",
}


def _routes() -> list[tuple[str, str, str]]:
    """Method, address and permission of every route, as the application itself declares them."""
    found = []
    for route in iter_route_contexts(create_app().routes):
        path = str(route.path)
        for template, value in FILLED.items():
            path = path.replace(template, value)
        for permission in declared_permissions(route):
            found += [
                (method, path, permission) for method in route.methods or () if method != "HEAD"
            ]
    return found


ROUTES = _routes()


async def test_every_route_is_public_or_guarded() -> None:
    known = {path for _, path, _ in ROUTES} | PUBLIC
    everything = {str(route.path) for route in iter_route_contexts(create_app().routes)}
    for template, value in FILLED.items():
        everything = {path.replace(template, value) for path in everything}

    assert everything == known


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_the_table_says_and_no_more(
    system: Running, shop: Caller, role: str
) -> None:
    caller = await system.caller(role)
    wrong = []
    for method, path, permission in ROUTES:
        content = b'{"amount":0}' if method == "POST" else b""
        answer = await caller.send(method, path, content, Idempotency_Key=new_key())
        allowed = answer.status_code != 403
        if allowed is not (permission in HELD[role]):  # type: ignore[index]
            wrong.append(f"{role} {method} {path}: {answer.status_code}")
        if not allowed:
            check(answer, 403, "permission_missing")

    assert wrong == []


# ── what is not there ─────────────────────────────────────────────────────────────────────────────────────────────

NOT_THERE: dict[str, tuple[str, str, int, str]] = {
    "payment": ("GET", NOBODYS, 404, "payment_not_found"),
    "its events": ("GET", f"{NOBODYS}/events", 404, "payment_not_found"),
    "capture of none": ("POST", f"{NOBODYS}/capture", 404, "payment_not_found"),
    "cancel of none": ("POST", f"{NOBODYS}/cancel", 404, "payment_not_found"),
    "refund of none": ("POST", f"{NOBODYS}/refund", 404, "payment_not_found"),
    "no id of ours": ("GET", f"{PAYMENTS}/{CANARY}", 422, "request_invalid"),
    "an id of another kind": ("GET", f"{PAYMENTS}/key_12345678", 422, "request_invalid"),
    "subscription": ("GET", NO_SUBSCRIPTION, 404, "subscription_not_found"),
    "a payment explained": (
        "GET",
        "/api/v1/explain/payments/pay_00000000000000000000000000",
        404,
        "payment_not_found",
    ),
    "bill": ("GET", "/api/v1/bills/bill_00000000000000000000000000_1", 404, "bill_not_found"),
    "no id of a bill": ("GET", "/api/v1/bills/bill_1", 422, "request_invalid"),
    "resuming none": ("POST", f"{NO_SUBSCRIPTION}/resume", 404, "subscription_not_found"),
    "billing none": ("POST", f"{NO_SUBSCRIPTION}/missed-periods", 404, "subscription_not_found"),
    "account": ("GET", f"/api/v1/accounts/Assets:{CANARY}/entries", 404, "account_unknown"),
    "address": ("GET", f"/api/v1/{CANARY}", 404, "route_not_found"),
    "method": ("DELETE", PAYMENTS, 405, "method_not_allowed"),
    "NUL in the address": ("GET", f"{PAYMENTS}?customerId=a%00{CANARY}", 422, "nul_character"),
}


@pytest.mark.parametrize("name", NOT_THERE)
async def test_what_is_not_there_is_said_so(shop: Caller, name: str) -> None:
    method, path, status, code = NOT_THERE[name]
    content = b"{}" if method == "POST" else b""

    answer = await shop.send(method, path, content, Idempotency_Key=new_key())

    check(answer, status, code)


WRONG_REFUNDS: dict[str, Any] = {
    "0": {"amount": 0},
    "negative": {"amount": -1},
    "fractional": {"amount": 1.5},
    "a text": {"amount": "1000"},
    "an unknown field": {CANARY: 1},
    "no reason": {"reason": ""},
    "a long reason": {"reason": CANARY * 30},
}


@pytest.mark.parametrize("name", WRONG_REFUNDS)
async def test_a_refund_that_cannot_be_is_refused(shop: Caller, name: str) -> None:
    check(await shop.post(f"{NOBODYS}/refund", WRONG_REFUNDS[name]), 422, "request_invalid")
