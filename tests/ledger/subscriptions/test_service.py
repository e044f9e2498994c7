"""A subscription, its bills and its payments in one log: what stands in one append, and that the
books follow. Real PostgreSQL, and a gateway that answers at once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from ledger.bills.life import Status as BillStatus
from ledger.identity import new_id
from ledger.money import Money
from ledger.payments.payment import Payment
from ledger.providers.port import ChargeOrder, ChargeStatus
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from support.stores import context, open_store
from support.subscription_shop import ACCOUNT, BEGIN, CARD, Shop, plan


@pytest.fixture
async def shop(ledger_database: str) -> AsyncIterator[Shop]:
    async with open_store(ledger_database) as opened:
        yield Shop(opened, ledger_database)


async def test_a_period_its_bill_and_the_request_for_its_money_are_one_append(shop: Shop):
    made = await shop.create()

    first, second = shop.appends()
    assert first == [
        "bill.opened.v1",
        "bill.collection_begun.v1",
        "payment.requested.v1",
        "payment.attempt_started.v1",
        "payment.charge_dispatched.v1",
        "subscription.created.v1",
        "subscription.period_opened.v1",
        "subscription.collection_ordered.v1",
    ]
    assert second == [
        "bill.paid.v1",
        "subscription.bill_settled.v1",
        "payment.captured.v1",
        "journal.entry_posted.v1",
    ]
    assert made.status is Status.ACTIVE and made.has_access
    assert shop.balances() == {
        "Assets:Gateway:Midtrans:Pending": 99_000,
        "Liabilities:DeferredRevenue:pro": -89_189,
        "Liabilities:Tax:PPN-Keluaran": -9_811,
    }


async def test_a_month_later_it_renews_by_itself_with_two_appends(shop: Shop):
    made = await shop.create()
    before = len(shop.appends())

    later = await shop.until(made.subscription_id, BEGIN + timedelta(days=28))

    assert later.opened == 2 and later.status is Status.ACTIVE
    assert len(shop.appends()) == before + 2
    assert len(shop.gateway.charged) == 2


async def test_revenue_is_earned_by_the_day_until_nothing_is_deferred(shop: Shop):
    made = await shop.create()
    bill_id = made.charged[0].bills[0].bill_id

    await shop.recognise(bill_id, BEGIN + timedelta(days=40))

    assert "Liabilities:DeferredRevenue:pro" not in shop.balances()
    assert shop.balances()["Income:Subscription:pro"] == -89_189
    assert len(shop.log("bill.revenue_recognised.v1")) == 28


async def test_a_pushed_bill_is_issued_ahead_and_paid_by_the_customer(shop: Shop):
    made = await shop.create(ACCOUNT)
    assert made.status is Status.INCOMPLETE
    await shop.pays(made.open_bills[0].live[0])
    assert (await shop.subscriptions.get(made.subscription_id)).status is Status.ACTIVE

    ahead = await shop.until(made.subscription_id, BEGIN + timedelta(days=26))
    assert ahead.opened == 2 and ahead.open_bills[0].due_at == datetime(2026, 2, 28, 3, tzinfo=UTC)

    await shop.pays(ahead.open_bills[0].live[0])
    assert (
        await shop.until(made.subscription_id, BEGIN + timedelta(days=30))
    ).status is Status.ACTIVE


async def _cancelled(shop: Shop, stream: str) -> None:
    now = shop.now()
    await shop.subscriptions.do(
        stream, c.CancelSubscription(now=now, at=now, reason="dear"), context()
    )


async def _never_paid(shop: Shop, stream: str) -> None:
    await shop.until(stream, BEGIN + timedelta(days=3))


@pytest.mark.parametrize("ended", [_cancelled, _never_paid])
async def test_withdrawing_a_payment_whose_sender_died_does_not_send_it(
    shop: Shop, ended: Callable[[Shop, str], Awaitable[None]]
):
    """Nobody has won the right to: the first charge may be at the gateway, and have expired there."""

    class SenderDied(Exception):
        pass

    def dies(order: ChargeOrder) -> str:
        raise SenderDied

    shop.gateway.refuses = dies
    with pytest.raises(SenderDied):
        await shop.create(ACCOUNT)
    (created,) = shop.log("subscription.created.v1")
    (requested,) = shop.log("payment.requested.v1")

    await ended(shop, created["d"]["subscription_id"])

    payment = await shop.payments.get(requested["d"]["payment_id"])
    assert payment.cancel_asked and payment.attempt.sendings == 1
    assert len(shop.gateway.charged) == 1


async def test_a_card_that_fails_is_dunned_falls_back_and_recovers(shop: Shop):
    made = await shop.create()
    shop.gateway.refuses = lambda order: "202" if order.method.family == "card" else ""

    due = datetime(2026, 2, 28, 3, tzinfo=UTC)
    failing = await shop.until(made.subscription_id, due)
    assert failing.status is Status.IN_GRACE and failing.has_access

    fallen_back = await shop.until(made.subscription_id, due + timedelta(days=5))
    bill = fallen_back.open_bills[0]
    assert bill.method == "bca_va" and len(bill.live) == 1

    await shop.pays(bill.live[0])
    recovered = await shop.subscriptions.get(made.subscription_id)
    assert recovered.status is Status.ACTIVE and recovered.dunning is None
    assert (
        shop.balances()["Assets:Gateway:Midtrans:Pending"] == 99_000
    )  # the card's, not settled yet


async def test_a_step_that_is_due_when_a_pull_fails_at_once_is_taken_with_it(shop: Shop):
    """The next look at it may be seconds away."""
    made = await shop.create()
    shop.gateway.refuses = lambda order: "202"
    shop.moment = datetime(2026, 2, 28, 3, tzinfo=UTC)

    await shop.scheduler.do(made.subscription_id, "advance", "")

    (taken,) = shop.log("subscription.dunning_step_taken.v1")
    failing = await shop.subscriptions.get(made.subscription_id)
    assert (taken["d"]["step"], taken["d"]["action"]) == (0, "remind")
    assert failing.look_at is not None and failing.look_at > shop.moment


async def test_who_never_pays_is_cancelled_and_nothing_more_is_asked(shop: Shop):
    made = await shop.create()
    shop.gateway.refuses = lambda order: "202" if order.method.family == "card" else ""

    over = await shop.until(made.subscription_id, BEGIN + timedelta(days=60))

    assert over.status is Status.CANCELLED and over.look_at is None and not over.open_bills
    (bill_id,) = {state["d"]["bill_id"] for state in shop.log("subscription.bill_dropped.v1")}
    assert (await shop.bill(bill_id)).status is BillStatus.VOID
    withdrawn = [state["d"]["attempt"] for state in shop.log("payment.cancel_requested.v1")]
    assert withdrawn == [1]  # the account number of the fallback


async def test_a_downgrade_gives_credit_that_pays_the_next_bill(shop: Shop):
    made = await shop.create()
    shop.moment = BEGIN + timedelta(days=14)
    half = plan(price=Money(49_000), product="basic")

    await shop.subscriptions.do(
        made.subscription_id,
        c.ChangeSubscription(now=shop.now(), sold=e.Sold(plan_id="basic", terms=half)),
        context(),
    )
    changed = await shop.subscriptions.get(made.subscription_id)
    assert changed.credit == Money(25_000)
    balances = shop.balances()
    assert balances["Liabilities:Customer:Credit"] == -25_000

    await shop.until(made.subscription_id, BEGIN + timedelta(days=29))
    assert [o.amount.minor for o in shop.gateway.charged.values()] == [99_000, 24_000]
    assert "Liabilities:Customer:Credit" not in shop.balances()


async def test_an_upgrade_is_charged_at_once_and_moves_what_is_not_earned(shop: Shop):
    made = await shop.create()
    shop.moment = BEGIN + timedelta(days=14)

    await shop.subscriptions.do(
        made.subscription_id,
        c.ChangeSubscription(
            now=shop.now(),
            sold=e.Sold(plan_id="max", terms=plan(price=Money(199_000), product="max")),
        ),
        context(),
    )

    assert [o.amount.minor for o in shop.gateway.charged.values()] == [99_000, 50_000]
    balances = shop.balances()
    assert "Liabilities:DeferredRevenue:pro" not in balances
    deferred = -balances["Liabilities:DeferredRevenue:max"]
    assert deferred == 89_189 - 89_189 * 14 // 28 + 45_045


async def test_a_bill_with_nothing_to_pay_is_paid_at_once(shop: Shop):
    made = await shop.create(price=Money(0))

    assert made.status is Status.ACTIVE and not shop.gateway.charged
    assert shop.balances() == {}
    assert (await shop.until(made.subscription_id, BEGIN + timedelta(days=29))).opened == 2


async def test_a_capture_that_does_not_last_takes_all_back_and_dunning_begins(shop: Shop):
    made = await shop.create()
    bill_id = made.charged[0].bills[0].bill_id
    await shop.recognise(bill_id, BEGIN + timedelta(days=5))
    (order_id,) = shop.gateway.charged

    shop.gateway.move(order_id, ChargeStatus.CANCELLED)
    payment_id = order_id.rpartition("-")[0]
    await shop.payments.inquire(payment_id)

    assert shop.balances() == {}
    after = await shop.subscriptions.get(made.subscription_id)
    assert after.status is Status.IN_GRACE and after.open_bills[0].bill_id == bill_id


async def test_what_a_downgrade_gave_is_given_again_when_the_bill_is_paid_a_second_time(shop: Shop):
    made = await shop.create()
    shop.moment = BEGIN + timedelta(days=14)
    half = plan(price=Money(49_000), product="basic")
    change = c.ChangeSubscription(now=shop.now(), sold=e.Sold(plan_id="basic", terms=half))
    await shop.subscriptions.do(made.subscription_id, change, context())
    (order_id,) = shop.gateway.charged

    shop.gateway.move(order_id, ChargeStatus.CANCELLED)
    await shop.payments.inquire(order_id.rpartition("-")[0])
    assert shop.balances() == {}
    assert (await shop.subscriptions.get(made.subscription_id)).credit == Money(0)

    pays = c.ChangePaying(now=shop.now(), paying=CARD)
    await shop.subscriptions.do(made.subscription_id, pays, context())
    after = await shop.subscriptions.get(made.subscription_id)
    assert (after.status, after.credit) == (Status.ACTIVE, Money(25_000))
    assert shop.balances()["Liabilities:Customer:Credit"] == -25_000


async def test_what_was_refunded_does_not_become_credit_as_well(shop: Shop):
    made = await shop.create()
    (order_id,) = shop.gateway.charged
    payment_id = order_id.rpartition("-")[0]
    shop.gateway.move(order_id, ChargeStatus.SETTLED)
    await shop.payments.inquire(payment_id)
    refund_id, whole = new_id("ref"), Money(99_000)
    await shop.payments.request_refund(payment_id, refund_id, whole, "goodwill", context())
    await shop.payments.refund(payment_id, refund_id)

    shop.moment = BEGIN + timedelta(days=14)
    cancel = c.CancelSubscription(now=shop.now(), at=shop.now(), reason="", with_credit=True)
    await shop.subscriptions.do(made.subscription_id, cancel, context())

    assert (await shop.subscriptions.get(made.subscription_id)).credit == Money(0)
    assert "Liabilities:Customer:Credit" not in shop.balances()


async def test_a_second_payment_for_the_same_bill_is_credit(shop: Shop):
    made = await shop.create()
    shop.gateway.refuses = lambda order: "202" if order.method.family == "card" else ""
    due = datetime(2026, 2, 28, 3, tzinfo=UTC)
    dunned = await shop.until(made.subscription_id, due + timedelta(days=5))
    account = dunned.open_bills[0].live[0]
    shop.gateway.refuses = lambda order: ""
    await shop.subscriptions.do(
        made.subscription_id, c.ChangePaying(now=shop.now(), paying=CARD), context()
    )
    assert (await shop.subscriptions.get(made.subscription_id)).status is Status.ACTIVE

    await shop.pays(account)  # before the cancel of it has reached the gateway

    after = await shop.subscriptions.get(made.subscription_id)
    assert after.credit == Money(99_000)
    assert shop.balances()["Liabilities:Customer:Credit"] == -99_000


async def test_a_request_that_the_rules_of_payments_refuse_is_a_failed_attempt(shop: Shop):
    made = await shop.create(e.Paying(method="indomaret"), price=Money(4_000_000))
    await shop.pays(made.open_bills[0].live[0])
    dear = e.Sold(plan_id="pro", terms=plan(price=Money(9_000_000)))
    shop.moment = BEGIN + timedelta(days=1)
    await shop.subscriptions.do(
        made.subscription_id,
        c.ChangeSubscription(now=shop.now(), sold=dear, mode="next_period"),
        context(),
    )

    later = await shop.until(made.subscription_id, BEGIN + timedelta(days=28))

    (impossible,) = shop.log("subscription.collection_impossible.v1")
    assert impossible["d"]["code"] == "amount_above_maximum"
    assert later.status is Status.IN_GRACE


async def test_the_payment_says_what_it_is_for(shop: Shop):
    made = await shop.create()
    (order_id,) = shop.gateway.charged
    payment: Payment = await shop.payments.get(order_id.rpartition("-")[0])

    assert payment.request.subscription_id == made.subscription_id
    assert payment.request.sale.bill_id == made.charged[0].bills[0].bill_id
    assert payment.request.share is not None
