"""Numbers and states explained over HTTP and at the terminal, in a whole running system: down to the bytes that
the gateway sent, and to nothing but a mark where they were erased.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from api.cli import app
from ledger import logs
from support.customer import Caller, Fields, Gateway, eventually, order_id
from support.market import Market
from support.moving import Moving
from support.running import Running, environment

EXPLAIN: Final = "/api/v1/explain"
AVAILABLE: Final = "Assets:Gateway:Midtrans:Available"
PENDING: Final = "Assets:Gateway:Midtrans:Pending"
NOBODY: Final = "pay_00000000000000000000000000"
REQUEST: Final = "request-of-the-till-7"


def parts(node: Fields, *kinds: str) -> Iterator[Fields]:
    """All below a part that are of these kinds, and it."""
    if node["kind"] in kinds:
        yield node
    for part in node["parts"]:
        yield from parts(part, *kinds)


async def told(caller: Caller, path: str, **asked: Any) -> Fields:
    """A question, or a `more`."""
    address = path if path.startswith("/") else f"{EXPLAIN}/{path}"
    answer = await caller.send("GET", f"{address}?{urlencode(asked)}" if asked else address)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def settled(system: Running, shop: Caller, gateway: Gateway, amount: int = 99_000) -> Fields:
    """Asked for with a request id and a payer, paid, and its notices answered."""
    body = {"amount": amount, "currency": "IDR", "paymentMethod": "bca_va"}
    body |= {"payer": {"name": "Siti Rahayu", "email": "siti@example.id"}}
    content = json.dumps(body).encode()
    headers = {"X_Request_Id": REQUEST, "Idempotency_Key": f"at-the-till-{amount}"}
    asked = (await shop.send("POST", "/api/v1/payments", content, **headers)).json()
    await gateway.pay(asked)
    payment = await shop.until(asked, "settled")

    async def answered() -> None:
        rows = await system.inbox(order_id(payment))
        assert len(rows) == 2 and all(row["done_at"] for row in rows), rows

    await eventually(answered)
    await system.books()
    await eventually(lambda: answers_written(system, payment["paymentId"]))
    return payment


async def answers_written(system: Running, payment_id: str) -> None:
    """Of every answer that the payment's facts rest on."""
    async with system.wired.readers.connection() as conn:
        cursor = await conn.execute(
            "select event #>> '{evidence,digest}' as digest from payment_events"
            " where payment_id = %s and event #>> '{evidence,digest}' <> ''",
            [payment_id],
        )
        digests = {row["digest"] for row in await cursor.fetchall()}
    assert digests and (await system.wired.gateway_answers.bodies([*digests])).keys() == digests


async def test_a_payment_is_explained_down_to_the_bytes_that_the_gateway_sent(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await settled(system, shop, gateway)
    auditor = await system.caller("auditor")

    tree = (await told(auditor, f"payments/{payment['paymentId']}"))["explanation"]

    assert (tree["kind"], tree["after"]) == ("payment", "settled")
    path = [(step["before"], step["after"]) for step in reversed(tree["parts"]) if "after" in step]
    moved = [step for step in path if step[0] != step[1]]
    assert moved == [
        ("new", "requested"),
        ("requested", "dispatched"),
        ("dispatched", "pending"),
        ("pending", "captured"),
        ("captured", "settled"),
    ]
    asked = tree["parts"][-1]["parts"][0]
    assert asked["fact"]["event"]["payer"] == {"sealed": True}
    command = next(parts(asked, "command"))["command"]
    assert (command["requestId"], command["actor"][:4]) == (REQUEST, "key:")

    paid = tree["parts"][0]["parts"][0]
    assert paid["fact"]["topic"] == "payment.settled.v1"
    (entry,) = parts(paid, "entry")
    assert sum(leg["amount"] for leg in entry["parts"]) == 0
    (answer,) = parts(paid, "answer")
    assert answer["answer"]["said"]["transaction_status"] == "settlement"
    assert answer["answer"]["digest"] == paid["fact"]["event"]["evidence"]["digest"]
    answers = [one["answer"] for one in parts(tree, "answer")]
    assert {one["source"] for one in answers} == {"charge", "inquiry"}
    for one in answers:
        assert hashlib.sha256(one["body"].encode()).hexdigest() == one["digest"]
        told_then = json.loads(one["body"])
        assert told_then["order_id"] == order_id(payment)
        assert told_then["transaction_status"] == one["said"]["transaction_status"]
    notices = [one["notice"] for one in parts(tree, "notice")]
    assert {one["said"] for one in notices} == {"pending accept", "settlement accept"}
    for notice in notices:
        assert hashlib.sha256(notice["body"].encode()).hexdigest() == notice["digest"]
        assert json.loads(notice["body"])["order_id"] == order_id(payment)
        assert notice["erased"] is False


async def test_a_balance_is_explained_by_its_postings(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payments = [await settled(system, shop, gateway, amount) for amount in (99_000, 50_000, 70_000)]
    holds = (await told(shop, f"/api/v1/accounts/{AVAILABLE}"))["balances"][0]["balance"]

    whole = await told(shop, f"accounts/{AVAILABLE}")
    paged = [await told(shop, f"accounts/{AVAILABLE}", pageSize=1)]
    while more := [one["more"] for one in paged[-1]["explanation"]["parts"] if "more" in one]:
        paged.append(await told(shop, more[0]))

    assert holds == sum(one["netAmount"] for one in payments)
    tree = whole["explanation"]
    assert (tree["amount"], tree["count"]) == (holds, 3)
    leaves = [(one["posting"]["entryId"], one["amount"]) for one in parts(tree, "posting")]
    assert sum(amount for _, amount in leaves) == holds
    assert {entry.partition("/")[0] for entry, _ in leaves} == {p["paymentId"] for p in payments}
    assert {one["position"] for one in paged} == {whole["position"]}
    one_by_one = [one for page in paged for one in parts(page["explanation"], "posting")]
    assert [(one["posting"]["entryId"], one["amount"]) for one in one_by_one] == leaves
    assert [page["explanation"]["count"] for page in paged] == [3, 2, 1]
    assert next(parts(tree, "notice"))["notice"]["body"]


async def test_it_is_explained_as_it_was_known_and_as_it_stood(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    first = await settled(system, shop, gateway)
    then = (await told(shop, f"payments/{first['paymentId']}"))["position"]
    await settled(system, shop, gateway, 50_000)

    for asked in ({"knownAt": then}, {"asOf": then}):
        found = await told(shop, f"accounts/{PENDING}", **asked)
        assert (found["position"], found["explanation"]["count"]) == (then, 2)
    assert (await told(shop, f"accounts/{PENDING}"))["explanation"]["count"] == 4
    old = await told(shop, f"accounts/{PENDING}", effectiveOn="2020-01-01")
    assert (old["explanation"]["amount"], old["explanation"]["parts"]) == (0, [])

    story = (await told(shop, f"payments/{first['paymentId']}"))["explanation"]
    begun = story["parts"][-1]["parts"][0]["fact"]["position"]
    then_dispatched = await told(shop, f"payments/{first['paymentId']}", asOf=begun)
    assert then_dispatched["explanation"]["after"] == "dispatched"
    short = await told(shop, f"payments/{first['paymentId']}", pageSize=2)
    (rest,) = parts(short["explanation"], "rest")
    onward = (await told(shop, rest["more"]))["explanation"]
    assert (onward["after"], onward["count"]) == (rest["after"], rest["count"])


async def test_what_was_erased_is_a_mark_and_the_number_stays(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await settled(system, shop, gateway)
    path = f"payments/{payment['paymentId']}"
    before = (await told(shop, path))["explanation"]
    month = next(parts(before, "notice"))["notice"]["receivedAt"][:7]

    for kept in ("notices", "answers"):
        await system.wired.key_ring.destroy(f"{kept} {month}")
    await system.wired.key_ring.destroy(payment["paymentId"])

    after = (await told(shop, path))["explanation"]
    assert after["parts"][-1]["parts"][0]["fact"]["event"]["payer"] == {"erased": True}
    for one in parts(after, "notice"):
        assert one["notice"]["erased"] is True
        assert "body" not in one["notice"]
        assert len(one["notice"]["digest"]) == 64
    for one in parts(after, "answer"):
        assert "body" not in one["answer"]
        assert len(one["answer"]["digest"]) == 64
    assert [part["after"] for part in after["parts"]] == [part["after"] for part in before["parts"]]


async def test_after_thirty_days_bytes_are_gone_and_digests_stay(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await settled(system, shop, gateway)
    path = f"payments/{payment['paymentId']}"
    before = (await told(shop, path))["explanation"]

    system.later(31 * 86_400)
    await system.start_worker()  # which begins with a purge

    async def purged() -> Fields:
        after = dict((await told(shop, path))["explanation"])
        assert not any("body" in one["answer"] for one in parts(after, "answer"))
        assert list(parts(after, "notice")) == []  # these are purged by themselves
        return after

    after = await eventually(purged)
    digests = [[one["answer"]["digest"] for one in parts(t, "answer")] for t in (before, after)]
    assert digests[0] == digests[1] != []


async def test_a_subscription_and_what_it_brings_are_explained(
    life: Moving, market: Market
) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    await life.pass_by(days=28, stride_days=1)
    shop, name = market.shop, bought["subscriptionId"]

    tree = (await told(shop, f"subscriptions/{name}"))["explanation"]
    assert tree["after"] == "active"
    active = next(one for one in tree["parts"] if one["before"] != one["after"])
    assert (active["before"], active["after"]) == ("incomplete", "active")
    # It is active because its first bill was paid: by this payment, as the gateway answered.
    (command,) = parts(active, "command")
    assert "payment.captured.v1" in [one["fact"]["topic"] for one in parts(command, "beside")]
    (answer,) = parts(command, "answer")
    assert answer["answer"]["said"]["transaction_status"] == "capture"

    reported = await told(shop, "/api/v1/reports/recurring_revenue", to="2027-01-31")
    (month,) = reported["rows"]
    first = (await told(shop, "recurring/2027-01"))["explanation"]
    assert first["amount"] == month["recurring_minor"] == 89_189
    (movement,) = parts(first, "movement")
    assert (movement["amount"], movement["movement"]["kind"]) == (89_189, "new")
    assert movement["words"] == name
    assert next(parts(movement, "answer"))["answer"] == answer["answer"]
    second = (await told(shop, "recurring/2027-02"))["explanation"]
    assert (second["amount"], second["parts"][0]["amount"]) == (89_189, 89_189)
    assert (await told(shop, second["parts"][0]["more"]))["explanation"] == first
    of_kind = (await told(shop, "recurring/2027-01", kind="new"))["explanation"]
    assert (of_kind["amount"], of_kind["count"]) == (month["new_minor"], 1)


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"payments/{NOBODY}", 404, "payment_not_found"),
        ("subscriptions/sub_00000000000000000000000000", 404, "subscription_not_found"),
        ("accounts/Assets:Nowhere", 404, "account_unknown"),
        (f"accounts/{PENDING}?knownAt=1000000000000", 409, "position_not_reached"),
        (f"payments/{NOBODY}?asOf=1000000000000", 409, "position_not_reached"),
        (f"accounts/{PENDING}?currency=USD", 422, "currency_unknown"),
        (f"accounts/{PENDING}?cursor=bm9uZQ", 422, "cursor_invalid"),
        (f"accounts/{PENDING}?pageSize=101", 422, "request_invalid"),
        (f"accounts/{PENDING}?month=2026-13", 422, "request_invalid"),
        ("recurring/2027-13", 422, "request_invalid"),
        ("recurring/2027-01?kind=growth", 422, "request_invalid"),
    ],
)
async def test_what_is_not_there_or_no_question_is_refused(
    shop: Caller, path: str, status: int, code: str
) -> None:
    answer = await shop.send("GET", f"{EXPLAIN}/{path}")

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")


async def test_an_account_that_holds_nothing_has_nothing_to_explain(shop: Caller) -> None:
    tree = (await told(shop, f"accounts/{AVAILABLE}"))["explanation"]

    assert (tree["amount"], tree["count"], tree["parts"]) == (0, 0, [])


@pytest.mark.parametrize("role", ["service", "reporting"])
async def test_who_may_not_read_events_gets_no_explanation(system: Running, role: str) -> None:
    caller = await system.caller(role)
    for path in (f"payments/{NOBODY}", f"accounts/{PENDING}", "recurring/2027-01"):
        answer = await caller.get(f"{EXPLAIN}/{path}")
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/permission_missing")


# ── at the terminal ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def terminal(system: Running, monkeypatch: pytest.MonkeyPatch) -> Any:
    # A process' logs are set up once, and this one is pytest's.
    monkeypatch.setattr(logs, "set_up", lambda level, *, as_json: None)
    for name, value in environment(system.settings).items():
        monkeypatch.setenv(name, value)

    async def run(*words: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, ["explain", *words])

    return run


async def test_at_the_terminal_it_is_a_tree(
    system: Running, shop: Caller, gateway: Gateway, terminal: Any
) -> None:
    payment = await settled(system, shop, gateway)
    await settled(system, shop, gateway, 50_000)

    story = (await terminal("payment", payment["paymentId"])).stdout
    page = (await terminal("balance", AVAILABLE, "--page-size", "1")).stdout

    lines = story.splitlines()
    assert lines[0] == f"payment {payment['paymentId']} is settled"
    assert "captured → settled" in lines[1]
    assert f"request {REQUEST}" in story
    assert story.count("as above") == 3  # what was appended together leads to one command
    assert '"transaction_status":"settlement"' in story.replace(" ", "")
    assert payment["paymentId"] not in page  # it is on the next one
    assert '"va_numbers"' in story  # which no notice here has: the answer to the charge
    going_on = next(line for line in page.splitlines() if "bukubesar explain balance" in line)
    *_, command = going_on.partition("bukubesar explain ")
    rest = (await terminal(*command.split())).stdout
    assert payment["paymentId"] in rest
    as_json = json.loads((await terminal("balance", AVAILABLE, "--json")).stdout)
    assert as_json == await told(shop, f"accounts/{AVAILABLE}")
    empty = await terminal("recurring", "2026-11")
    assert empty.stdout.splitlines()[0] == "Rp0  recurring revenue at the end of 2026-11"


@pytest.mark.parametrize(
    "words",
    [
        ("recurring", "2026"),
        ("recurring", "2026-11", "--kind", "growth"),
        ("balance", AVAILABLE, "--day", "someday"),
        ("balance", AVAILABLE, "--known-at", "2026-11-23T10:00:00"),
        ("payment", NOBODY, "--as-of", "0"),
    ],
)
async def test_what_is_no_question_is_a_usage_error(terminal: Any, words: tuple[str, ...]) -> None:
    assert (await terminal(*words)).exit_code == 2


async def test_what_is_not_there_ends_with_its_code(terminal: Any) -> None:
    refused = await terminal("payment", NOBODY)

    assert refused.exception.code == "payment_not_found"
