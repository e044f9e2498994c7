"""Whatever bytes come in, no answer is a 5xx, and none repeats what was sent (reliability.md P11, 4.15)."""

import json
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import pytest_asyncio
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from api import problems
from api.app import create_app
from api.strict_json import StrictRequest
from support.customer import Caller, Fields, Gateway, new_key
from support.running import (
    Running,
    free_port,
    running,
    simulated,
)

__all__ = ["simulated"]

CANARY = b"Kanarienvogel"
PAYMENTS = "/api/v1/payments"
NOBODY = "pay_00000000000000000000000000"
NO_SUBSCRIPTION = "sub_00000000000000000000000000"
GOOD: Fields = {
    "amount": 99_000,
    "currency": "IDR",
    "paymentMethod": "bca_va",
    "payer": {"name": "Siti"},
    "metadata": {"note": "x"},
}

VALUES = {
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "a number that overflows": b"1e400",
    "minus zero": b"-0.0",
    "5,000 digits": b"9" * 5_000,
    "2^63": b"9223372036854775808",
    "half a surrogate pair": b'"Kanarienvogel\\ud800"',
    "the other half": b'"\\udfff"',
    "NUL": b'"Kanarienvogel\\u0000"',
    "a raw NUL": b'"\x00"',
    "a raw line feed": b'"\n"',
    "not UTF-8": b'"\xff\xfe"',
    "60 KiB of text": b'"' + b"x" * 60_000 + b'"',
    "20,000 deep": b"[" * 20_000 + b"]" * 20_000,
    "5,000 objects deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "20,000 members": b"[" + b",".join([b"1"] * 20_000) + b"]",
    "an object": b'{"Kanarienvogel":"Kanarienvogel"}',
    "an empty object": b"{}",
    "null": b"null",
    "true": b"true",
    "a right-to-left override": '"\u202eKanarienvogel"'.encode(),
    "a lone brace": b"{",
}
VALID = {("an object", "metadata"), ("an empty object", "metadata")}
FITS = {("/api/v1/customers", "an empty object")}  # a customer of whom nothing is known
WHOLE = {
    "nothing": b"",
    "blanks": b" \n",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "cut off": json.dumps(GOOD).encode()[:-3],
    "two texts": b"{}{}",
    "a key twice": b'{"amount":1,"amount":99000}',
    "more than 64 KiB": b'{"metadata":{"note":"' + b"x" * 70_000 + b'"}}',
    "a form": b"amount=99000&paymentMethod=bca_va",
}


def bodies() -> Iterator[tuple[str, bytes]]:
    yield from WHOLE.items()
    for name, value in VALUES.items():
        yield name, value
        yield f"{name}, as an unknown field", b'{"Kanarienvogel":' + value + b"}"
        for field in ("amount", "paymentMethod", "metadata", "reason", "order_id"):
            if (name, field) in VALID:
                continue
            given = {other: kept for other, kept in GOOD.items() if other != field}
            rest = json.dumps(given).encode()[1:]
            yield f"{name}, as {field}", b'{"' + field.encode() + b'":' + value + b"," + rest


NOBODYS = {
    "{payment_id}": NOBODY,
    "{customer_id}": "nobody",
    "{plan_id}": "none",
    "{subscription_id}": NO_SUBSCRIPTION,
}


def filled(path: str) -> str:
    for template, value in NOBODYS.items():
        path = path.replace(template, value)
    return path


POSTS = sorted(
    filled(str(route.path))
    for route in iter_route_contexts(create_app().routes)
    if "POST" in (route.methods or ())
)
CONTENT_TYPES = (
    "application/json",
    "application/json; charset=utf-7",
    "text/plain",
    "multipart/form-data",
    "",
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(shared_database: str, simulated: tuple[str, int]) -> AsyncIterator[Running]:
    gateway = Gateway(*simulated)
    async with running(shared_database, gateway, workers=0) as started:
        yield started
    await gateway.close()


@pytest_asyncio.fixture(loop_scope="module")
async def shop(system: Running) -> Caller:
    return await system.caller()


def wrong(what: str, answer: httpx2.Response) -> list[str]:
    said = []
    if answer.status_code >= 500 or answer.is_success:
        said.append(f"{what}: {answer.status_code}")
    if CANARY in answer.content:
        said.append(f"{what}: echoed in {answer.text[:200]}")
    if answer.headers["Content-Type"] != "application/problem+json":
        said.append(f"{what}: {answer.headers['Content-Type']}")
    return said


async def test_no_body_of_the_hostile_corpus_is_a_5xx_or_is_echoed(
    system: Running, shop: Caller
) -> None:
    length, found = await system.log_length(), []
    for path in POSTS:
        for name, content in bodies():
            if (path, name) in FITS:
                continue
            answer = await shop.send("POST", path, content, Idempotency_Key=new_key())
            found += wrong(f"{path}: {name}", answer)

    assert found == []
    assert await system.log_length() == length


async def test_the_frameworks_own_handling_is_caught(
    shared_database: str, simulated: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI reads NaN, repeats what it refuses, and cannot write NaN down (reliability.md 5.5, M10)."""
    monkeypatch.setattr(StrictRequest, "json", Request.json)
    monkeypatch.setattr(
        problems,
        "install",
        lambda app: app.add_exception_handler(
            RequestValidationError,
            request_validation_exception_handler,  # type: ignore[arg-type]
        ),
    )
    gateway = Gateway(simulated[0], free_port())  # its notices are not the question
    async with running(shared_database, gateway, workers=0) as system:
        shop, found = await system.caller(), []
        for name, content in bodies():
            if name.endswith("as amount"):
                answer = await shop.send("POST", PAYMENTS, content, Idempotency_Key=new_key())
                found += wrong(name, answer)

    assert any(": 500" in line for line in found)
    assert any("echoed" in line for line in found)


async def test_no_content_type_is_a_5xx(shop: Caller) -> None:
    found = []
    for path in POSTS:
        for kind in CONTENT_TYPES:
            answer = await shop.send(
                "POST", path, b'{"Kanarienvogel":1}', Content_Type=kind, Idempotency_Key=new_key()
            )
            found += wrong(f"{path}: {kind}", answer)

    assert found == []


ADDRESSES = (
    "/api/v1/payments/{}",
    "/api/v1/payments/{}/events",
    "/api/v1/payments?cursor={}",
    "/api/v1/payments?customerId={}&createdFrom={}",
    "/api/v1/payments?createdFrom={}",
    "/api/v1/payments?pageSize={}",
    "/api/v1/accounts/{}/entries",
    "/api/v1/accounts/Assets:Gateway:Midtrans:Pending/entries?cursor={}",
    "/api/v1/customers/{}",
    "/api/v1/customers?cursor={}",
    "/api/v1/plans/{}",
    "/api/v1/plans?retired={}",
    "/api/v1/coupons/{}",
    "/api/v1/payment-methods?amount={}",
    "/api/v1/payment-methods?amount=1&preference={}",
    "/{}",
)
WORDS = (
    "%00", "%ff", "%ed%a0%80", "%0d%0aX-Injected:%201", "..%2f..%2fetc%2fpasswd", "%2500", "9" * 5_000, "-1", "1e9",
    "0x1", "NaN", "'%20or%201=1--", "%F0%9F%92%B8", "9999-12-31T23:59:59%2B14:00", "0001-01-01T00:00:00Z", "",
    "x" * 500, "pay_" + "z" * 26, "%E2%80%AE",
)  # fmt: skip


async def test_no_address_is_a_5xx(shop: Caller) -> None:
    found = []
    for template in ADDRESSES:
        for word in WORDS:
            answer = await shop.send("GET", template.replace("{}", word))
            if answer.status_code >= 500:
                found.append(f"{template} with {word[:40]}: {answer.status_code}")

    assert found == []


TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXT, inside, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [*GOOD, "reason", "fallbackMethods", "cardToken", "sale", "country", "order_id", "metadata"]
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from(POSTS),
    body=st.dictionaries(FIELDS | TEXT, JSON, max_size=6).map(
        lambda made: json.dumps(made).encode()
    )
    | st.binary(max_size=60),
)
async def test_no_body_at_all_is_a_5xx(shop: Caller, path: str, body: bytes) -> None:
    answer = await shop.send("POST", path, body, Idempotency_Key=new_key())

    assert answer.status_code < 500, answer.text
