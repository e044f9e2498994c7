"""Refunds, payments that did not last, disputes."""

from datetime import timedelta

from ledger.bills import events as e
from ledger.bills.life import Status
from support.bill_facts import (
    NOTHING,
    WHOLE,
    begin,
    bill,
    change,
    disputed,
    end_of_day,
    open_bill,
    opened,
    paid,
    paid_bill,
    recognise,
    refund_failed,
    refunded,
    undone,
)
from support.payment_facts import AT, rp, share

NOON = timedelta(hours=12)
AFTER_TEN_DAYS = end_of_day(10) + NOON


def part(product: str, minor: int) -> tuple[e.Earned, ...]:
    return (e.Earned(product=product, amount=rp(minor)),)


def test_a_full_refund_after_ten_days_is_of_59_460_unearned_and_29_729_earned():
    scenario = bill(*paid_bill()).when(refunded(99_000, 89_189, at=AFTER_TEN_DAYS))

    *_, fact = scenario.then(*[e.RevenueRecognised] * 10, e.BillRefunded).new
    assert (fact.unearned, fact.earned) == (part("Premium", 59_460), rp(29_729))
    assert (fact.sold_as, fact.recognise_at) == ("Premium", None)


def test_a_partial_refund_takes_what_is_not_earned_and_the_rest_is_earned_on():
    scenario = bill(*paid_bill()).when(refunded(at=AFTER_TEN_DAYS))

    fact = scenario.fact(e.BillRefunded)
    assert (fact.unearned, fact.earned) == (part("Premium", 29_730), rp(0))
    assert fact.recognise_at == end_of_day(11)
    scenario.when(recognise(end_of_day(11)))
    assert scenario.new[0].amount == rp((59_460 - 29_730) // 20)


def test_after_a_change_a_refund_takes_from_the_product_in_force():
    scenario = bill(*paid_bill(), change(at=AFTER_TEN_DAYS)).when(refunded(at=AFTER_TEN_DAYS))

    (fact,) = scenario.new
    assert (fact.sold_as, fact.unearned) == ("Premium", part("Pro", 29_730))


def test_a_refund_that_fails_gives_back_what_it_took():
    scenario = bill(*paid_bill(), refunded(at=AFTER_TEN_DAYS))
    taken = scenario.fact(e.BillRefunded)

    scenario.when(refund_failed(at=AFTER_TEN_DAYS))

    (fact,) = scenario.new
    assert fact == e.BillRefundFailed(
        occurred_at=AFTER_TEN_DAYS, refund=taken, recognise_at=end_of_day(11)
    )
    assert scenario.state.unearned == rp(59_460)


def test_a_refund_that_fails_after_a_change_gives_back_to_the_product_in_force():
    scenario = bill(*paid_bill(), refunded(at=AT), change(at=AFTER_TEN_DAYS))

    scenario.when(refund_failed(at=AFTER_TEN_DAYS))

    assert scenario.new[0].refund.unearned == part("Pro", 29_730)


def test_a_refund_that_fails_after_the_end_is_earned_at_the_next_days_end():
    scenario = bill(*paid_bill(), refunded(at=AT), recognise(end_of_day(30)))

    scenario.when(refund_failed(at=end_of_day(40) + NOON))

    assert scenario.new[0].recognise_at == end_of_day(41)
    scenario.when(recognise(end_of_day(41)))
    assert scenario.new[0].amount == rp(29_730)


def test_a_refund_of_a_second_payment_withdraws_its_credit():
    scenario = bill(*paid_bill(), paid("pay_2")).when(refunded(payment_id="pay_2"))

    scenario.then(
        e.BillCreditWithdrawn(
            occurred_at=AT,
            payment_id="pay_2",
            amount=rp(33_000),
            share=share(29_730, 3_270),
            product="Premium",
            refund_id="ref_1",
        )
    )


def test_when_that_refund_fails_the_credit_is_there_again_once():
    scenario = bill(*paid_bill(), paid("pay_2"), refunded(payment_id="pay_2"))

    scenario.when(refund_failed())

    scenario.then(
        e.BillPaidTwice(
            occurred_at=AT,
            payment_id="pay_2",
            amount=rp(33_000),
            share=share(29_730, 3_270),
            product="Premium",
            refund_id="ref_1",
        )
    )
    scenario.when(refund_failed()).then_nothing()


def test_a_second_payment_that_does_not_last_takes_its_credit_with_it():
    scenario = bill(*paid_bill(), paid("pay_2")).when(undone("pay_2"))

    assert scenario.then(e.BillCreditWithdrawn).new[0].share == WHOLE
    assert scenario.state.status is Status.PAID


def test_a_payment_that_does_not_last_takes_all_with_it_that_followed():
    scenario = bill(*paid_bill(), change("Pro", share(60_000, 6_600), at=AFTER_TEN_DAYS)).when(
        undone(why="reversed", at=end_of_day(11))
    )

    scenario.then(
        e.BillReopened(
            occurred_at=end_of_day(11),
            payment_id="pay_1",
            amount=rp(99_000),
            net=rp(89_189),
            sold_as="Premium",
            unearned=(),
            earned=part("Premium", 29_729),
            credited=share(60_000, 6_600),
            credit=rp(0),
            credit_share=NOTHING,
            why="reversed",
        )
    )


def test_after_it_the_bill_is_as_it_was_and_can_be_paid_by_another():
    scenario = bill(*paid_bill(), change(at=AFTER_TEN_DAYS), undone(at=AFTER_TEN_DAYS))
    assert (scenario.state.status, scenario.state.product) == (Status.OPEN, "Premium")

    scenario.when(begin("pay_2")).when(paid("pay_2", at=AFTER_TEN_DAYS))

    assert scenario.new[0].recognise_at == end_of_day(11)
    scenario.when(recognise(end_of_day(30)))
    assert sum(day.amount.minor for day in scenario.new) == 89_189


def test_credit_that_had_paid_a_part_is_given_back_to_the_bill_and_used_again():
    rest = share(80_180, 8_820)
    scenario = bill(open_bill(opened(credit=10_000)), begin(), paid(of=rest), undone(of=rest))

    assert scenario.fact(e.BillReopened).credit == rp(10_000)
    assert scenario.state.to_pay == rp(89_000)


def test_a_dispute_stops_the_earning_until_its_outcome():
    scenario = bill(*paid_bill()).when(disputed(at=AFTER_TEN_DAYS)).then(e.BillDisputed)

    assert scenario.state.recognise_at is None
    scenario.when(recognise(end_of_day(20))).then_nothing()


def test_a_refund_under_dispute_earns_nothing_on():
    scenario = bill(*paid_bill(), disputed()).when(refunded(at=AFTER_TEN_DAYS))

    (fact,) = scenario.new
    assert (fact.unearned, fact.recognise_at) == (part("Premium", 29_730), None)
