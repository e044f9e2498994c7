"""Credit and refunds of the same bill: together never more than what paid it, in whatever order they are asked for.
Real PostgreSQL, and a gateway that answers at once.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ledger.bills.undoing import RefundExceedsBill
from ledger.money import Money
from ledger.payments import commands as pc
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.providers.port import ChargeStatus, DidNot
from ledger.subscriptions import commands as c
from ledger.subscriptions.following import Following
from support.stores import context, open_store
from support.subscription_shop import BEGIN, Shop

PRICE = 99_000
LEFT = 49_500  # of 28 days, after 14 of them


@pytest.fixture
async def shop(ledger_database: str) -> AsyncIterator[Shop]:
    async with open_store(ledger_database) as opened:
        yield Shop(opened, ledger_database)


async def settled(shop: Shop) -> tuple[str, str]:
    """A subscription in the middle of its first period, and the payment of that."""
    made = await shop.create()
    (order_id,) = shop.gateway.charged
    payment_id = order_id.rpartition("-")[0]
    shop.gateway.move(order_id, ChargeStatus.SETTLED)
    await shop.payments.inquire(payment_id)
    shop.moment = BEGIN + timedelta(days=14)
    return made.subscription_id, payment_id


async def end_with_credit(shop: Shop, subscription_id: str) -> Money:
    cancel = c.CancelSubscription(now=shop.now(), at=shop.now(), reason="", with_credit=True)
    await shop.subscriptions.do(subscription_id, cancel, context())
    return (await shop.subscriptions.get(subscription_id)).credit


async def ask(shop: Shop, payment_id: str, refund_id: str, minor: int | None) -> None:
    amount = None if minor is None else Money(minor)
    await shop.payments.request_refund(payment_id, refund_id, amount, "goodwill", context())


async def refunds_asked(shop: Shop, payment_id: str) -> int:
    return sum(one.amount.minor for one in (await shop.payments.get(payment_id)).refunds)


async def test_what_was_given_as_credit_is_not_refunded_besides(shop: Shop) -> None:
    subscription_id, payment_id = await settled(shop)
    assert await end_with_credit(shop, subscription_id) == Money(LEFT)

    for minor in (None, PRICE, PRICE - LEFT + 1):
        with pytest.raises(RefundExceedsBill) as refused:
            await ask(shop, payment_id, f"ref_{minor}", minor)
        assert refused.value.context == {"refundable_minor": PRICE - LEFT}

    assert await refunds_asked(shop, payment_id) == 0
    await ask(shop, payment_id, "ref_1", PRICE - LEFT)
    await shop.payments.refund(payment_id, "ref_1")
    with pytest.raises(RefundExceedsBill):
        await ask(shop, payment_id, "ref_2", 1)
    assert sum(shop.balances().values()) == 0


async def test_what_is_to_go_back_does_not_become_credit_though_nobody_has_taken_it_yet(
    shop: Shop,
) -> None:
    subscription_id, payment_id = await settled(shop)
    await ask(shop, payment_id, "ref_1", 80_000)

    assert await end_with_credit(shop, subscription_id) == Money(PRICE - 80_000)


async def test_a_refund_that_the_gateway_never_took_leaves_what_it_was_of(shop: Shop) -> None:
    subscription_id, payment_id = await settled(shop)
    await ask(shop, payment_id, "ref_1", PRICE)
    sent = pc.DispatchRefund(now=shop.now(), refund_id="ref_1", sent_by="test")
    refused = pc.RecordRefund(
        now=shop.now(),
        refund_id="ref_1",
        sending=1,
        outcome=DidNot(code="refund_not_possible", words="no"),
        retry_after_seconds=0,
        available=Money(0),
    )
    for command in (sent, refused):
        await shop.store.execute(
            BOOKED_PAYMENT, payment_id, command, context(), then=Following(shop.now)
        )

    assert len(shop.log("bill.refund_dropped.v1")) == 1
    assert await end_with_credit(shop, subscription_id) == Money(LEFT)


async def test_a_refund_of_many_parts_is_noted_to_the_rupiah(shop: Shop) -> None:
    subscription_id, payment_id = await settled(shop)
    for part in range(3):
        await ask(shop, payment_id, f"ref_{part}", 33_000)

    noted = [state["d"]["share"]["tax"]["minor"] for state in shop.log("bill.refund_asked.v1")]
    assert noted == [3_270, 3_271, 3_270]  # books.md 2, rule 2
    assert await end_with_credit(shop, subscription_id) == Money(0)


@pytest.mark.parametrize("turn", range(3))
async def test_of_a_refund_and_an_ending_with_credit_that_race_one_sees_the_other(
    shop: Shop, turn: int
) -> None:
    subscription_id, payment_id = await settled(shop)

    asked = await asyncio.gather(
        ask(shop, payment_id, "ref_1", PRICE),
        end_with_credit(shop, subscription_id),
        return_exceptions=True,
    )

    credit = (await shop.subscriptions.get(subscription_id)).credit.minor
    assert credit + await refunds_asked(shop, payment_id) <= PRICE
    assert isinstance(asked[0], RefundExceedsBill) == (credit > 0)
