"""A merchant without HTTP: real wiring by a simulated time, and a gateway in the same process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from api.time_machine import TimeMachine, time_machine
from api.wiring import Wiring, open_wiring
from ledger import clock
from ledger.eventstore.store import Context
from ledger.identity import PAYMENT, new_id
from ledger.money import Money
from ledger.payments.events import PaymentRequested, Sale
from ledger.payments.payment import Payment
from ledger.providers.port import Payer
from ledger.settings import Settings
from support.gateway_in_process import GatewayInProcess
from support.running import MASTER_KEY, SCHEMA

BEGINS = datetime(2027, 1, 31, 3, tzinfo=UTC)


class Shop:
    """A merchant's program that asks the service itself."""

    def __init__(self, wired: Wiring) -> None:
        self._payments = wired.payments

    async def request(self, method: str, **more: object) -> Payment:
        asked = PaymentRequested(
            occurred_at=clock.now(),
            payment_id=new_id(PAYMENT),
            amount=Money.rupiah(99_000),
            requested_method=method,
            sale=Sale(kind="delivered", product="Report"),
            taxed=True,
            **more,
        )
        context = Context(command_id=new_id("cmd"), actor="shop")
        began = clock.monotonic_seconds()
        done = await self._payments.request(
            asked, context, country="ID", payer=Payer(), card_token="token"
        )
        return await self._payments.charge_requested(done, began)

    async def payment(self, payment: Payment) -> Payment:
        return await self._payments.get(payment.request.payment_id)


@asynccontextmanager
async def travelling(
    database: str, gateway: GatewayInProcess
) -> AsyncIterator[tuple[TimeMachine, Shop, Wiring]]:
    settings = Settings(database_url=database, database_schema=SCHEMA, master_key=MASTER_KEY)
    async with (
        open_wiring(settings, "worker", gateway=gateway) as wired,
        time_machine(wired, BEGINS) as machine,
    ):
        yield machine, Shop(wired), wired
