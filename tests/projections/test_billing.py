"""Subscriptions, bills and payments of one log, side by side: what their read models say of each other."""

import random
from collections.abc import AsyncIterator

import pytest

from ledger.subscriptions import commands as c
from projections import READ_MODELS
from projections.replaying import verify
from support.log_rows import SCHEMA
from support.read_side import ReadSide, open_read_side
from support.stores import context, open_store
from support.subscription_facts import MAX, later
from support.subscription_shop import ACCOUNT, BEGIN, Shop


@pytest.fixture
async def lived(ledger_database: str) -> AsyncIterator[ReadSide]:
    """Four months of three subscriptions: one renews and is upgraded, one is paid late by account,
    one begins on trial and ends early with credit. Followed in batches of any size.
    """
    async with open_store(ledger_database) as opened:
        shop = Shop(opened, ledger_database)
        by_card = await shop.create()
        by_account = await shop.create(ACCOUNT, product="basic")
        on_trial = await shop.create(trial_days=14, product="late")
        for day in range(0, 120, 5):
            for one in (by_card, by_account, on_trial):
                state = await shop.until(one.subscription_id, later(BEGIN, days=day))
                for bill in state.open_bills:
                    if day in (0, 35, 65, 100) and bill.live:
                        await shop.pays(bill.live[-1])
                for number in range(1, state.bills + 1):
                    bill_id = f"bill_{one.subscription_id.removeprefix('sub_')}_{number}"
                    await shop.recognise(bill_id, later(BEGIN, days=day))
            if day == 40:
                change = c.ChangeSubscription(now=shop.now(), sold=MAX, mode="prorate_now")
                await shop.subscriptions.do(by_card.subscription_id, change, context())
            if day == 60:
                end = c.CancelSubscription(
                    now=shop.now(), at=shop.now(), reason="dear", with_credit=True
                )
                await shop.subscriptions.do(on_trial.subscription_id, end, context())
    with open_read_side(ledger_database) as read_side:
        chance = random.Random(11)
        for follower in read_side.followers.values():
            follower._size = 1
            while follower.step(read_side.connection):
                follower._size = chance.randrange(1, 30)
        yield read_side


async def test_what_bills_have_earned_and_not_is_what_the_books_hold(lived: ReadSide) -> None:
    of_bills = lived.one(
        "select sum(recognised_minor)::bigint as earned, sum(unearned_minor)::bigint as unearned,"
        " count(*) as bills from bills"
    )
    in_books = lived.one(
        "select -sum(balance_minor) filter (where account like 'Income:Subscription:%%')::bigint"
        " as earned, -sum(balance_minor) filter"
        " (where account like 'Liabilities:DeferredRevenue:%%')::bigint as unearned from balances"
    )

    assert of_bills["bills"] >= 10
    assert (of_bills["earned"], of_bills["unearned"]) == (in_books["earned"], in_books["unearned"])
    assert min(in_books.values()) > 0


async def test_a_paid_bill_names_a_payment_that_was_captured_for_it(lived: ReadSide) -> None:
    rows = lived.rows(
        "select b.to_pay_minor, b.subscription_id, p.captured_minor, p.subscription_id as payer_of"
        " from bills b join payments p on p.payment_id = b.paid_by where b.status = 'paid'"
    )

    assert len(rows) >= 9
    for row in rows:
        assert row["to_pay_minor"] == row["captured_minor"]
        assert row["subscription_id"] == row["payer_of"]


async def test_what_a_subscription_owes_is_on_its_open_bills(lived: ReadSide) -> None:
    rows = lived.rows(
        "select s.owed_minor, s.status, coalesce((select sum(to_pay_minor) from bills b"
        " where b.subscription_id = s.subscription_id and b.status = 'open'), 0)::bigint as open"
        " from subscriptions s"
    )

    assert [row["owed_minor"] for row in rows] == [row["open"] for row in rows]
    assert "cancelled" in {row["status"] for row in rows}


async def test_each_event_of_billing_is_in_a_history_once(lived: ReadSide) -> None:
    stands = (
        "select originator_id as stream, originator_version as version, topic from events"
        " where topic like 'subscription.%%' or topic like 'bill.%%' order by 1, 2"
    )

    assert lived.rows(stands) == lived.rows(
        "select stream, version, topic from billing_events order by 1, 2"
    )


async def test_a_replay_gives_the_same_rows(lived: ReadSide) -> None:
    report = verify(lived.conninfo, SCHEMA)

    assert report.finding is None
    assert report.equal == {model.NAME: True for model in READ_MODELS}
