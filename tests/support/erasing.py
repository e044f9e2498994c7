"""One person, known in every way a person can be known, in a wiring of our own with a gateway that answers at
once; and erasing that dies where a test wants it to.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import msgspec
import psycopg

from api.answers import Kept, Place
from api.wiring import Wiring, open_wiring
from ledger import clock
from ledger.customers.customer import Customer
from ledger.customers.details import Details
from ledger.customers.service import Token
from ledger.eventstore.store import Context
from ledger.identity import PAYMENT, new_id
from ledger.money import Money
from ledger.payments.events import Evidence, PaymentRequested, Sale
from ledger.payments.payment import Payment
from ledger.privacy.service import ErasureService
from ledger.providers.port import Notice, Payer
from ledger.settings import Settings
from projections import AT_POISON, GROUPS
from projections.engine.follower import Follower
from support.customer import eventually
from support.following import running
from support.gateway_at_once import GatewayAtOnce
from support.running import MASTER_KEY, SCHEMA

SITI = "siti"
DETAILS = Details(
    name="Siti Rahayu", email="siti@example.id", phone="+6281234567890", address="Jl. Merdeka 1"
)


class Killed(BaseException):
    """As a process is: nobody in it can catch this and go on."""


class Dying:
    """A port, one method of which is killed before it does anything, or after it has done all. Or only fails:
    as `error` says.
    """

    def __init__(
        self,
        port: Any,
        method: str,
        *,
        after: bool,
        on_call: int = 1,
        error: type[BaseException] = Killed,
    ) -> None:
        self._port, self._method, self._after, self._left = port, method, after, on_call
        self._error = error

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        return self._killed(method) if name == self._method else method

    def _killed(self, method: Any) -> Any:
        async def call(*args: Any) -> Any:
            self._left -= 1
            if self._left:
                return await method(*args)
            if self._after:
                await method(*args)
            raise self._error

        return call


@dataclass
class Stage:
    wired: Wiring
    gateway: GatewayAtOnce
    database: str
    list_file: Path

    async def registered(self, customer_id: str = SITI) -> None:
        await self.wired.customers.register(customer_id, DETAILS, "id", by("shop"))
        await self.wired.customers.attach(
            customer_id,
            "card",
            Token("48111111sHfRakAvHvFQFEjTivUV1114"),
            by("shop"),
            masked="48111111-1114",
            expires_on="2099-12",
        )

    async def paid(self, customer_id: str = "", **changes: Any) -> str:
        """A payment that is over, with a payer of its own, a kept answer, a notice and a raw answer."""
        payment = await self.asked(customer_id, **changes)
        self.gateway.pay(payment.attempt.order_id)
        await self.wired.payments.inquire(payment.request.payment_id)
        await self._heard_of(payment)
        return payment.request.payment_id

    async def asked(self, customer_id: str = "", payer: Payer | None = None) -> Payment:
        """It waits to be paid."""
        request = PaymentRequested(
            occurred_at=clock.now(),
            payment_id=new_id(PAYMENT),
            amount=Money(99_000),
            requested_method="bca_va",
            sale=Sale(),
            customer_id=customer_id,
        )
        began = clock.monotonic_seconds()
        done = await self.wired.payments.request(
            request,
            by("shop"),
            country="ID",
            payer=payer or Payer(name="Siti R.", phone="+6281234567890"),
            card_token="",
        )
        return await self.wired.payments.charge_requested(done, began)

    async def _heard_of(self, payment: Payment) -> None:
        request = payment.request
        notice = Notice(
            order_id=payment.attempt.order_id,
            transaction_id="t",
            status_words="settlement",
            digest=new_id("digest"),
        )
        await self.wired.inbox.receive(notice, b'{"about": "Siti"}')
        await self._answered_about(payment)
        subject = request.customer_id or request.payment_id
        kept = Kept(b"f", 201, "application/json", b"{}", subject)
        await self.wired.answers.keep(Place("shop", request.payment_id), kept)

    async def _answered_about(self, payment: Payment) -> None:
        held = self.gateway.held[payment.attempt.order_id]
        evidence = Evidence(source="inquiry", digest=new_id("digest"))
        self.wired.gateway_answers.heard(msgspec.structs.replace(held, evidence=evidence), b"Siti")

        async def written() -> None:
            assert await self.wired.gateway_answers.bodies([evidence.digest])

        await eventually(written)

    async def erase(
        self, *persons: str, payments: tuple[str, ...] = (), customer_id: str = SITI
    ) -> Customer:
        """As these persons wish, one after the other; the state after the last."""
        for person in persons:
            erasing = self.wired.erasure.erase(customer_id, payments, "asked_by_person", by(person))
            found = await erasing
        return found

    def dying(self, port: str, method: str, **when: Any) -> ErasureService:
        """The service of a process that is killed there."""
        dying = Dying(getattr(self.wired.erasure, port), method, **when)
        return replace(self.wired.erasure, **{port: cast(Any, dying)})

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as conn:
            conn.execute(f"set search_path = {SCHEMA}, {SCHEMA}_read".encode())
            return conn.execute(query.encode(), values or None).fetchall()

    def keys(self) -> dict[str, bytes]:
        """Wrapped, by subject; empty once destroyed. Keys of months are nobody's."""
        found = self.rows(
            "select subject, wrapped from key_ring where subject !~ '^(notices|answers) '"
        )
        return dict(found)


def by(person: str) -> Context:
    return Context(command_id=new_id("cmd"), actor=person)


@asynccontextmanager
async def staged(database: str, folder: Path) -> AsyncIterator[Stage]:
    """With the views followed, as a worker does, and nobody who does due work."""
    file = folder / "erasures.jsonl"
    settings = Settings(
        database_url=database,
        database_schema=SCHEMA,
        master_key=MASTER_KEY,
        erasures_file=file,
        lost_after_seconds=0,
    )
    parks = AT_POISON["views"] == "park"
    follower = Follower(database, SCHEMA, "views", GROUPS["views"], parks=parks)
    gateway = GatewayAtOnce()
    with running(follower):
        async with open_wiring(settings, "tool", gateway=gateway) as wired:
            yield Stage(wired, gateway, database, file)
