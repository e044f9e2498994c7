"""Beginning a subscription, and opening one period after the other."""

from ledger.subscriptions import events as e
from support.subscription_facts import Life, on


def test_the_first_period_its_bill_and_the_request_for_its_money_are_one_decision():
    _, period, ordered = (
        Life().created().story.then(e.SubscriptionCreated, e.PeriodOpened, e.CollectionOrdered).new
    )

    assert isinstance(period, e.PeriodOpened)
    assert (period.number, period.starts_at, period.ends_at) == (1, on(1, 31), on(2, 28))
    assert (period.bill_id, period.price.minor) == ("bill_1_1", 99_000)
    assert isinstance(ordered, e.CollectionOrdered)
    assert (ordered.bill_id, ordered.payment_id, ordered.why) == ("bill_1_1", "pay_1", "due")


def test_periods_from_the_31st_end_on_the_last_day_of_a_short_month_and_come_back():
    life = Life().created().paid(1)

    begins = []
    for bill in range(2, 6):
        life.advanced().paid(bill)
        assert life.state.newest is not None
        begins.append(life.state.newest.starts_at)

    assert begins == [on(2, 28), on(3, 31), on(4, 30), on(5, 31)]
    assert life.state.look_at == on(6, 30)
