"""What was paid by DANA on the hosted page the gateway finds only by its own id (midtrans.md 4.1), also after the page
was over.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ledger.payments.commands import PaymentCommand
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.payment import Payment
from ledger.providers.port import NEVER_SEEN, Did, DidNot, Outcome
from support.facts import PAY, after, observation, requested
from support.gateway_at_once import GatewayAtOnce
from support.payment_commands import NOWHERE, TIMEOUT, ask, cancel, charged, inquired
from support.stores import context, open_store
from support.subscription_shop import Shop

DANA = "A120240830074017NP16XMU4JTID"


class KnowsItByItsOwnName(GatewayAtOnce):
    async def inquire(self, order_id: str, transaction_id: str = "") -> Outcome:
        if transaction_id != DANA:
            return DidNot(code=NEVER_SEEN, words="Transaction doesn't exist.")
        return Did(observation("settled", transaction_id=DANA))

    async def refund(self, *_: object, **__: object) -> Outcome:
        return TIMEOUT


@pytest.fixture
async def shop(ledger_database: str) -> AsyncIterator[Shop]:
    async with open_store(ledger_database) as opened:
        made = Shop(opened, ledger_database)
        made.moment = after(days=3)
        made.payments = replace(made.payments, provider=KnowsItByItsOwnName(made.now))
        yield made


async def given_up(shop: Shop, *more: PaymentCommand) -> Payment:
    for command in (
        ask(requested("gopay"), sent_by="api-1"),
        charged(TIMEOUT),
        cancel(),
        inquired(NOWHERE),
        *more,
    ):
        done = await shop.store.execute(BOOKED_PAYMENT, PAY, command, context())
    return done.state


async def test_what_a_notice_had_spoken_of_is_found_by_whoever_asks_next(shop: Shop) -> None:
    stray = await given_up(shop, inquired(observation("pending", transaction_id=DANA)))
    assert (stray.attempt.stray, stray.attempt.transaction_id) == (DANA, "")

    found = (await shop.payments.inquire(PAY, 1)).payment

    assert found.attempt.late is not None
    assert found.attempt.late.transaction_id == DANA


async def test_late_money_is_found_again_by_whoever_asks_next(shop: Shop) -> None:
    await given_up(shop, inquired(observation("captured", transaction_id=DANA)))

    found = (await shop.payments.inquire(PAY, 1)).payment

    assert found.attempt.late_settled is not None


async def test_of_what_nobody_has_spoken_nothing_is_found(shop: Shop) -> None:
    await given_up(shop)

    found = (await shop.payments.inquire(PAY, 1)).payment

    assert found.attempt.late is None and not found.attempt.stray
