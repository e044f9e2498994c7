"""The story of one person who is erased, through the whole system as it is deployed: an API and a worker in
processes of their own that write down all they can say, a gateway with notices, and canaries in every field.
"""

import hashlib
import json
import random
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api.erasing import caught_up
from api.report_answers import BY_NAME
from api.wiring import Wiring, open_wiring
from ledger.money import Money
from ledger.payments.events import Evidence
from ledger.privacy import sealing
from ledger.providers.port import ChargeStatus, Observation
from ledger.secrets import Secrets
from ledger.settings import SealSettings, Settings
from support.customer import (
    ACCEPTED_CARD,
    SERVER_KEY,
    Caller,
    Fields,
    Gateway,
    eventually,
    new_key,
    order_id,
)
from support.market import Market, told
from support.running import ACCOUNT, LOOPBACK, MASTER_KEY, Process, answering, settings_for

SITI: Final = "siti-1"
BUDI: Final = "budi-1"
PERSON: Final = f"/api/v1/customers/{SITI}"
DATA: Final = f"{PERSON}/personal-data"


def word() -> str:
    return f"Qx{secrets.token_hex(8)}"


def digits(count: int) -> str:
    """Never a card's number, which would be refused."""
    while True:
        found = "".join(secrets.choice("123456789") for _ in range(count))
        if sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(found)) % 10:
            return found


def details() -> Fields:
    """Of one person, each field a canary that stands nowhere else."""
    return {
        "name": f"Siti {word()}",
        "email": f"{word().lower()}@example.id",
        "phone": f"+6281{digits(9)}",
        "npwp": digits(16),
        "address": f"Jl. {word()} 1, Bandung",
    }


def payer() -> Fields:
    found = details()
    return {name: found[name] for name in ("name", "email", "phone")}


@dataclass
class Story:
    """What there was before, what came of it, and where to look."""

    settings: Settings
    folder: Path
    canaries: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)  # of whom nobody wants to be erased
    keys: dict[str, bytes] = field(default_factory=dict)  # of the person, in clear
    wrapped: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, httpx2.Response] = field(default_factory=dict)
    books: list[Any] = field(default_factory=list)  # before, and after
    idempotent: str = ""
    payments: list[str] = field(default_factory=list)

    @property
    def conninfo(self) -> str:
        return self.settings.database_url.get_secret_value()

    @property
    def said(self) -> Path:
        return self.folder / "said.log"

    def canary(self, where: str, given: Mapping[str, Any]) -> Fields:
        self.canaries |= {f"{name} of {where}": str(value) for name, value in given.items()}
        return dict(given)


@asynccontextmanager
async def deployed(story: Story, gateway: Gateway) -> AsyncIterator[tuple[Wiring, Caller, Caller]]:
    """An admin's caller and an operator's; notices of the gateway come in where the API is."""
    url = f"http://{LOOPBACK}:{gateway.notify_port}"
    async with (
        open_wiring(story.settings, "tool") as wired,
        httpx2.AsyncClient(trust_env=False, timeout=30) as http,
    ):
        with processes(story):
            await answering(http, url)
            yield wired, *[Caller(http, url, await key(wired, r)) for r in ("admin", "operator")]  # type: ignore[misc]


@contextmanager
def processes(story: Story) -> Iterator[None]:
    with story.said.open("wb") as lines:
        started = [Process(command, story.settings, lines) for command in ("serve", "work")]
        try:
            yield
        finally:
            for one in started:
                one.kill()


async def key(wired: Wiring, role: str) -> str:
    text, _ = await wired.api_keys.issue(role, ACCOUNT, f"a test's {role}", by="test")
    return text


def settings(conninfo: str, gateway: Gateway, folder: Path) -> Settings:
    return settings_for(
        conninfo,
        gateway,
        log_level="debug",
        midtrans={"charge_seconds": 5.0},
        seals=SealSettings(every_events=10, every_seconds=1, file=folder / "seals.jsonl"),
        erasures_file=folder / "erasures.jsonl",
    )


async def told_of(story: Story, gateway: Gateway) -> Story:
    async with deployed(story, gateway) as (wired, admin, operator):
        await _lived(story, wired, gateway, admin)
        story.books.append(await _books(admin))
        await _keys_read(story, wired)
        story.answers["shown before"] = await admin.get(DATA)
        story.answers["not shown"] = await operator.get(DATA)
        await _erased(story, wired, admin, operator)
        story.books.append(await _books(admin))
        await _asked_after(story, admin, operator)
    return story


async def _lived(story: Story, wired: Wiring, gateway: Gateway, shop: Caller) -> None:
    """Registered, changed, subscribed, paid in three ways, heard of in notices; and somebody else beside."""
    market, plan = Market(shop, gateway), {"customerId": SITI}
    first = story.canary("the customer at first", details())
    now = story.canary("the customer", details())
    told(await shop.post("/api/v1/customers", first | plan), 201)
    told(await shop.put(PERSON, now))
    methods = await _methods(story, gateway, shop)
    other = details()
    story.others = other
    told(await shop.post("/api/v1/customers", other | {"customerId": BUDI}), 201)

    bought = await market.subscribe(await market.plan(), SITI, methods[0])
    story.idempotent = new_key()
    asked: Fields = {"amount": 99_000, "currency": "IDR", "paymentMethod": "bca_va"}
    told_payer = story.canary("a payment", payer())
    transfer = told(
        await shop.post(
            "/api/v1/payments", asked | plan | {"payer": told_payer}, key=story.idempotent
        ),
        201,
    )
    guest = await shop.request("bca_va", payer=story.canary("a guest", payer()))
    token = story.canary("a card", {"token": await gateway.card_token(ACCEPTED_CARD)})["token"]
    card = await shop.request("credit_card", cardToken=token, payer=now_of(now), **plan)
    for payment in (transfer, guest):
        await gateway.pay(payment)
    said = story.canary("a notice", {"name": f"Siti {word()}"})["name"]
    notice = await shop.send("POST", "/api/v1/webhooks/midtrans", _notice(transfer, said))
    assert notice.status_code == 200, notice.text
    await _answered(story, wired, transfer)
    told(await market.end(bought, effectiveDate="now"))
    await _settled(gateway, shop, [transfer, guest, card])
    story.payments = [payment["paymentId"] for payment in (transfer, guest, card)]


def now_of(known: Fields) -> Fields:
    return {name: known[name] for name in ("name", "email", "phone")}


async def _methods(story: Story, gateway: Gateway, shop: Caller) -> list[str]:
    saved = story.canary("the saved card", {"token": await gateway.saved_card(ACCEPTED_CARD)})
    card = {"kind": "card", "masked": "44111111-1118", "expiresOn": "2099-12", **saved}
    number = str(random.randint(10**9, 10**10 - 1))
    account, token = await gateway.linked_wallet(f"8{number}")
    wallet = story.canary("the wallet", {"accountId": account, "token": token})
    where = f"{PERSON}/payment-methods"
    return [
        str(told(await shop.post(where, body), 201)["methodId"])
        for body in (card, {"kind": "gopay", **wallet})
    ]


def _notice(payment: Fields, name: str) -> bytes:
    """Genuine, and with more in it than we ever asked for."""
    order = order_id(payment)
    signed = hashlib.sha512(f"{order}20099000.00{SERVER_KEY}".encode()).hexdigest()
    return json.dumps(
        {
            "order_id": order,
            "status_code": "200",
            "gross_amount": "99000.00",
            "signature_key": signed,
            "transaction_id": payment["attempts"][-1]["transactionId"],
            "transaction_status": "settlement",
            "customer_details": {"full_name": name},
        }
    ).encode()


async def _answered(story: Story, wired: Wiring, payment: Fields) -> None:
    """With more in it than any answer has had."""
    name = story.canary("an answer", {"name": f"Siti {word()}"})["name"]
    body = json.dumps({"order_id": order_id(payment), "full_name": name}).encode()
    seen = Observation(
        order_id=order_id(payment),
        transaction_id=payment["attempts"][-1]["transactionId"],
        status=ChargeStatus.SETTLED,
        amount=Money(99_000),
        evidence=Evidence(source="inquiry", digest=hashlib.sha256(body).hexdigest()),
    )
    wired.gateway_answers.heard(seen, body)

    async def written() -> None:
        found = await wired.gateway_answers.bodies([seen.evidence.digest])
        assert found == {seen.evidence.digest: body.decode()}

    await eventually(written)


async def _settled(gateway: Gateway, shop: Caller, payments: list[Fields]) -> None:
    """Those, and what the subscription was charged."""
    rows = (await shop.get("/api/v1/payments", customerId=SITI)).json()["payments"]
    known = {one["paymentId"] for one in payments} | {row["paymentId"] for row in rows}
    for payment_id in known:
        found = await shop.until(payment_id, "captured", "settled")
        if found["status"] == "captured":
            await gateway.settle(found)
            await shop.until(payment_id, "settled")


async def _books(shop: Caller) -> Any:
    async def caught_up() -> Any:
        page = (await shop.get("/api/v1/trial-balance")).json()
        assert page["asOf"]["money"] >= page["asOf"]["head"]
        return page["accounts"], page["totals"]

    return await eventually(caught_up)


async def _keys_read(story: Story, wired: Wiring) -> None:
    """As whoever has the master key could, before the erasure."""
    master = AESGCM(Secrets.derived_from(MASTER_KEY).key_ring_master)
    with psycopg.connect(story.conninfo) as admin:
        rows = admin.execute(
            "select subject, version, wrapped from bukubesar.key_ring where subject = any(%s)",
            [[SITI, *story.payments]],
        ).fetchall()
    for subject, version, wrapped in rows:
        story.wrapped[subject] = bytes(wrapped)
        story.keys[subject] = sealing.unwrap(master, wrapped, subject=subject, version=version)
    assert set(story.keys) == {SITI, story.payments[1]}


async def _erased(story: Story, wired: Wiring, admin: Caller, operator: Caller) -> None:
    body = json.dumps({"reason": "asked_by_person", "payments": [story.payments[1]]}).encode()
    story.answers["first"] = await admin.send("DELETE", DATA, body)
    story.answers["same again"] = await admin.send("DELETE", DATA, body)
    story.answers["second"] = await operator.send("DELETE", DATA, body)

    async def certified() -> None:
        story.answers["done"] = await operator.send("DELETE", DATA, body)
        assert story.answers["done"].status_code == 200, story.answers["done"].text

    await eventually(certified, within=30)
    await caught_up(wired.readers)
    await eventually(lambda: _sealed(story))


async def _sealed(story: Story) -> None:
    """The certificate, too."""
    with psycopg.connect(story.conninfo) as admin:
        row = admin.execute(
            "select (select max(position) from bukubesar.seals),"
            " (select max(notification_id) from bukubesar.events)"
        ).fetchone()
    assert row is not None and row[0] == row[1], row


async def _asked_after(story: Story, admin: Caller, operator: Caller) -> None:
    """Whatever can be asked about the person, and about what is new of them."""
    api = "/api/v1"
    subs = (await admin.get(f"{api}/subscriptions", customerId=SITI)).json()["subscriptions"]
    bills = (await admin.get(f"{api}/bills", customerId=SITI)).json()["bills"]
    paths = [
        *(PERSON, f"{PERSON}/overview", DATA, f"{api}/customers", f"{api}/payments"),
        *(f"{api}/payments/{one}" for one in story.payments),
        *(f"{api}/payments/{one}/events" for one in story.payments),
        *(f"{api}/subscriptions/{one['subscriptionId']}" for one in subs),
        *(f"{api}/subscriptions/{one['subscriptionId']}/events" for one in subs),
        *(f"{api}/bills/{one['billId']}" for one in bills),
        *(f"{api}/bills/{one['billId']}/events" for one in bills),
        *(f"{api}/subscriptions", f"{api}/bills", f"{api}/accounts"),
        *(f"{api}/explain/payments/{one}" for one in story.payments),
        *(f"{api}/explain/subscriptions/{one['subscriptionId']}" for one in subs),
        *(f"{api}/reports/{view}" for view in BY_NAME),
        *(f"{api}/reports/{view}?format=csv" for view in BY_NAME),
    ]
    assert len(subs) == len(bills) == 1
    for path in paths:
        story.answers[f"GET {path}"] = told_200 = await admin.get(path)
        assert told_200.status_code == 200, (path, told_200.text)
    story.answers["operator"] = await operator.get(PERSON)
    again: Fields = {"amount": 99_000, "currency": "IDR", "paymentMethod": "bca_va"}
    again |= {"customerId": SITI}
    same = {"payer": {n: story.canaries[f"{n} of a payment"] for n in ("name", "email", "phone")}}
    new = details()
    story.answers |= {
        "repeat": await admin.post(f"{api}/payments", again | same, key=story.idempotent),
        "new payment": await admin.post(f"{api}/payments", again | {"payer": payer()}),
        "register again": await admin.post(f"{api}/customers", new | {"customerId": SITI}),
        "change": await admin.put(PERSON, new),
        "hold": await admin.put(f"{DATA}/hold", {"basis": "dispute"}),
        "subscribe": await admin.post(
            f"{api}/subscriptions",
            {"planId": "pro", "customerId": SITI, "paymentMethod": "bca_va"},
        ),
        "somebody else": await admin.get(f"{api}/customers/{BUDI}"),
    }
