"""Opening, asking for the money, taking it, and what credit pays."""

import pytest

from ledger.bills import events as e
from ledger.bills.bill import BillInconsistent
from ledger.bills.deciding import BILL
from ledger.bills.life import Status
from support.bill_facts import (
    NOTHING,
    WHOLE,
    begin,
    bill,
    end_of_day,
    not_paid,
    open_bill,
    opened,
    paid,
    paid_bill,
    void,
)
from support.payment_facts import AT, rp, share
from support.scenario import Scenario


def open_with(credit: int, of=WHOLE) -> Scenario:
    return bill(open_bill(opened(of, credit=credit)))


def test_a_bill_without_credit_is_paid_by_its_payment_alone():
    after = bill(open_bill(), begin()).when(paid())

    after.then(
        e.BillPaid(
            occurred_at=AT,
            payment_id="pay_1",
            amount=rp(99_000),
            share=WHOLE,
            credit=rp(0),
            credit_share=NOTHING,
            product="Premium",
            recognise_at=end_of_day(1),
        )
    )
    assert after.state.status is Status.PAID


def test_credit_pays_its_part_of_revenue_and_tax_and_a_payment_is_asked_for_the_rest():
    """9,811 x 10,000 / 99,000 is 991.01."""
    begun = open_with(10_000).when(begin()).fact(e.BillCollectionBegun)

    assert (begun.amount, begun.share) == (rp(89_000), share(80_180, 8_820))


def test_what_is_owed_from_before_comes_on_top():
    scenario = open_with(-10_000).when(begin())
    begun = scenario.fact(e.BillCollectionBegun)

    assert (begun.amount, begun.share) == (rp(109_000), share(98_198, 10_802))
    scenario.when(paid(of=begun.share))
    assert scenario.fact(e.BillPaid).credit_share == share(-9_009, -991)


def test_of_a_bill_of_nothing_all_that_is_owed_is_revenue():
    begun = open_with(-10_000, NOTHING).when(begin()).fact(e.BillCollectionBegun)

    assert begun.share == share(10_000, 0)


def test_a_bill_that_credit_covers_is_paid_as_it_is_opened():
    scenario = Scenario(BILL).when(open_bill(opened(credit=99_000)))

    scenario.then(e.BillOpened, e.BillPaid)
    paid_by_credit = scenario.fact(e.BillPaid)
    assert (paid_by_credit.payment_id, paid_by_credit.amount) == ("", rp(0))
    assert paid_by_credit.credit_share == WHOLE
    assert paid_by_credit.recognise_at == end_of_day(1)


def test_a_bill_of_nothing_is_paid_and_earns_nothing():
    scenario = Scenario(BILL).when(open_bill(opened(NOTHING))).then(e.BillOpened, e.BillPaid)

    assert scenario.fact(e.BillPaid).recognise_at is None


def test_more_credit_than_the_bill_costs_is_an_error_of_ours():
    Scenario(BILL).when(open_bill(opened(credit=99_001))).then_refused(BillInconsistent)


def test_another_bill_on_the_same_stream_is_an_error_of_ours():
    bill(open_bill()).when(open_bill(opened(bill_id="bill_2"))).then_refused(BillInconsistent)


def test_several_payments_may_be_under_way_and_the_first_that_comes_pays():
    scenario = bill(open_bill(), begin("pay_va"), begin("pay_card"), paid("pay_card"))

    scenario.when(paid("pay_va")).then(
        e.BillPaidTwice(
            occurred_at=AT,
            payment_id="pay_va",
            amount=rp(99_000),
            share=WHOLE,
            product="Premium",
        )
    )


def test_a_payment_that_had_failed_may_be_paid_after_all():
    bill(open_bill(), begin(), not_paid()).when(paid()).then(e.BillPaid)


def test_a_failure_is_kept_with_what_may_help():
    (collection,) = bill(open_bill(), begin(), not_paid()).state.collections

    assert (collection.failure, collection.trouble) == ("51", "retry_later")


def test_too_little_is_credit_and_the_bill_stays_open():
    short = bill(open_bill(), begin()).when(paid(of=share(81_081, 8_919)))

    short.then(e.BillPaidTwice)
    assert short.state.status is Status.OPEN
    assert short.fact(e.BillPaidTwice).amount == rp(90_000)


def test_what_was_forgiven_counts_as_paid():
    """Books.md P14: 98,950 came, and the share is of what was due."""
    command = paid()
    forgiven = type(command)(now=AT, payment_id="pay_1", amount=rp(98_950), share=command.share)

    after = bill(open_bill(), begin()).when(forgiven).then(e.BillPaid)
    assert after.fact(e.BillPaid).amount == rp(99_000)


def test_a_void_bill_gives_its_credit_back():
    voided = open_with(10_000).when(void()).fact(e.BillVoided)

    assert voided.credit == rp(10_000)


def test_money_for_a_void_bill_is_credit():
    after = bill(open_bill(), begin(), void()).when(paid()).then(e.BillPaidTwice)

    assert after.state.status is Status.VOID


@pytest.mark.parametrize("kept", [paid_bill(), (*paid_bill(), void())])
def test_a_state_is_kept_and_read_as_it_was(kept):
    state = bill(*kept).state

    assert BILL.snapshot.decode(BILL.snapshot.encode(state)) == state
