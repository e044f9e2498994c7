"""Settled payments whose chargeback or reversal nobody told us of."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from api import second_looks
from api.second_looks import LOOKS, PAUSE, SecondLooks
from api.time_machine import TimeMachine
from ledger.payments.life import Status
from ledger.payments.payment import Payment
from ledger.providers.port import ChargeStatus, Outcome
from projections import balances
from support.gateway_faults import Fault, Transaction
from support.gateway_in_process import GatewayInProcess
from support.shop import Shop, travelling

DAY = timedelta(days=1)


class Asked(GatewayInProcess):
    """Counts inquiries by order id. All its payers pay after an hour."""

    def __init__(self) -> None:
        super().__init__(
            lambda it, one: it.plan(it.moment() + timedelta(hours=1), lambda: it.pay(one))
        )
        self.asked = Counter[str]()

    async def inquire(self, order_id: str, transaction_id: str = "") -> Outcome:
        self.asked[order_id] += 1
        return await super().inquire(order_id, transaction_id)


@dataclass
class Settled:
    """A card payment and two by virtual account, settled; only one of the latter can be reversed."""

    machine: TimeMachine
    gateway: Asked
    shop: Shop
    looks: SecondLooks
    payments: dict[str, Payment]

    def at_gateway(self, method: str) -> Transaction:
        order_id = self.payments[method].attempt.order_id
        return next(one for one in self.gateway.transactions if one.order_id == order_id)

    def undo(self, method: str, what: ChargeStatus) -> None:
        """Nobody is told."""
        one = self.at_gateway(method)
        if what is ChargeStatus.CHARGED_BACK:
            one.chargeback = one.amount
        self.gateway.move(one, what)

    async def after(self, time: timedelta) -> None:
        """Every look has its turn."""
        self.machine.now += time
        for _ in LOOKS:
            while await self.looks.turn():
                pass

    async def status(self, method: str) -> Status:
        return (await self.shop.payment(self.payments[method])).status


METHODS = ("credit_card", "permata_va", "bca_va")


@asynccontextmanager
async def settled(database: str) -> AsyncIterator[Settled]:
    gateway = Asked()
    async with travelling(database, gateway) as (machine, shop, wired):
        payments = {method: await shop.request(method) for method in METHODS}
        await machine.advance(machine.now + timedelta(hours=40), gateway.outside)
        looks = SecondLooks(wired.readers, wired.payments, machine.time)
        stage = Settled(machine, gateway, shop, looks, payments)
        assert {await stage.status(method) for method in METHODS} == {Status.SETTLED}
        await stage.after(timedelta())
        yield stage
        async with wired.readers.connection() as conn:
            books = await balances.trial_balance(conn)
        assert sum(row["balance_minor"] for row in books) == 0


@pytest.mark.parametrize(
    ("method", "what", "becomes"),
    [
        ("credit_card", ChargeStatus.CHARGED_BACK, Status.CHARGED_BACK),
        ("permata_va", ChargeStatus.DENIED, Status.REVERSED),
    ],
)
async def test_what_undid_a_settlement_is_found_without_any_notice(
    ledger_database: str, method: str, what: ChargeStatus, becomes: Status
) -> None:
    async with settled(ledger_database) as stage:
        stage.undo(method, what)
        await stage.after(timedelta(hours=6))
        before = await stage.status(method)
        await stage.after(2 * DAY)
        assert (before, await stage.status(method)) == (Status.SETTLED, becomes)
        assert {await stage.status(one) for one in METHODS if one != method} == {Status.SETTLED}


async def test_each_payment_is_looked_at_once_a_look_and_others_never(ledger_database: str) -> None:
    async with settled(ledger_database) as stage:
        stage.gateway.asked.clear()
        for _ in range(26):  # more often than any two looks follow each other, but for the first
            await stage.after(5 * DAY)
        asked = [stage.gateway.asked[stage.payments[method].attempt.order_id] for method in METHODS]
    assert asked == [9, 2, 0]  # the looks at one day were before


async def test_while_the_gateway_is_silent_nobody_is_passed_over(ledger_database: str) -> None:
    async with settled(ledger_database) as stage:
        stage.undo("credit_card", ChargeStatus.CHARGED_BACK)
        stage.gateway.faults["inquiry"].extend([Fault.SILENT] * len(LOOKS))
        await stage.after(3 * DAY)
        silent = await stage.status("credit_card")
        stage.gateway.faults["inquiry"].clear()
        await stage.after(PAUSE)
        assert (silent, await stage.status("credit_card")) == (Status.SETTLED, Status.CHARGED_BACK)


def test_every_look_names_methods_and_days_grow() -> None:
    days = [after for after, _ in LOOKS.values()]
    assert days == sorted(set(days))
    assert all(methods for _, methods in LOOKS.values())
    assert {"permata_va", "mandiri_bill", "indomaret"} == second_looks.REVERSED
