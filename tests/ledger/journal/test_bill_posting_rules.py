"""What a bill posts beside its payment, with the numbers of books.md section 3."""

from collections.abc import Sequence
from datetime import date, timedelta

from ledger.bills.commands import BillCommand
from ledger.events import DomainEvent
from ledger.journal.events import EntryPosted
from ledger.journal.posting_rules import consequence
from ledger.payments.events import Sale
from support.bill_facts import (
    begin,
    booked,
    change,
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
from support.payment_facts import (
    balances,
    cancelled,
    captured,
    legs,
    refund_accepted,
    share,
)
from support.payment_facts import refund_failed as payments_refund_failed

SALE = Sale(kind="prepaid", product="Premium", bill_id="bill_1")
PENDING = "Assets:Gateway:Midtrans:Pending"
DEFERRED = "Liabilities:DeferredRevenue:Premium"
PRO = "Liabilities:DeferredRevenue:Pro"
INCOME = "Income:Subscription:Premium"
REFUNDS = "Income:Refunds"
TAX = "Liabilities:Tax:PPN-Keluaran"
CREDIT = "Liabilities:Customer:Credit"
PAYABLE = "Liabilities:Refund:Payable"
LATER = end_of_day(10) + timedelta(hours=12)


def entries(facts: Sequence[DomainEvent]) -> list[EntryPosted]:
    return [fact for fact in facts if isinstance(fact, EntryPosted)]


def posted(*commands: BillCommand) -> list[tuple[str, dict[str, int]]]:
    """By the last command."""
    *before, last = commands
    return [(one.rule, legs(one)) for one in entries(booked(*before).when(last).new)]


def books(commands: Sequence[BillCommand], *payments: DomainEvent) -> dict[str, int]:
    """Of the bill and of its payments."""
    paid_in = [one for fact in payments for one in consequence(fact)]
    return balances([*entries(booked(*commands).facts), *paid_in])


def test_a_payment_alone_is_booked_by_the_payment():
    assert posted(*paid_bill()) == []


def test_credit_pays_its_part_of_revenue_and_tax():
    rest = share(80_180, 8_820)

    assert posted(open_bill(opened(credit=10_000)), begin(), paid(of=rest)) == [
        ("P25", {CREDIT: 10_000, DEFERRED: -9_009, TAX: -991})
    ]


def test_what_was_owed_from_before_is_credit_again():
    more = share(98_198, 10_802)

    assert posted(open_bill(opened(credit=-10_000)), begin(), paid(of=more)) == [
        ("P25", {CREDIT: -10_000, DEFERRED: 9_009, TAX: 991})
    ]


def test_the_first_day_is_2_972_and_the_second_2_973():
    first, second = recognise(end_of_day(1)), recognise(end_of_day(2))

    assert posted(*paid_bill(), first) == [("P5", {DEFERRED: 2_972, INCOME: -2_972})]
    assert posted(*paid_bill(), first, second) == [("P5", {DEFERRED: 2_973, INCOME: -2_973})]


def test_a_day_is_posted_on_that_day_also_at_the_end_of_a_month():
    """Day 7 is the 30th of November in Jakarta."""
    six = recognise(end_of_day(6))
    (entry,) = entries(booked(*paid_bill(), six).when(recognise(end_of_day(7))).new)

    assert entry.effective_on == date(2026, 11, 30)


def test_an_upgrade_moves_what_is_not_earned():
    assert posted(*paid_bill(), recognise(LATER), change(at=LATER)) == [
        ("P18", {DEFERRED: 59_460, PRO: -59_460})
    ]


def test_an_upgrade_that_is_paid_for_defers_what_was_moved_and_what_came():
    """P18: Deferred:B is 109,460 after 59,460 were moved and 50,000 net paid on the upgrade's own bill."""
    upgrade = Sale(kind="prepaid", product="Pro", bill_id="bill_2")
    came = captured(55_500, due=55_500, split=share(50_000, 5_500), sale=upgrade)
    made = books((*paid_bill(), change(at=LATER)), captured(sale=SALE), came)

    assert made == {PENDING: 154_500, PRO: -109_460, INCOME: -29_729, TAX: -15_311}


def test_a_change_that_costs_less_gives_credit_and_takes_tax_back():
    less = change("Premium", share(60_000, 6_600), at=LATER)

    assert posted(*paid_bill(), recognise(LATER), less) == [
        ("P24", {DEFERRED: 59_460, REFUNDS: 540, TAX: 6_600, CREDIT: -66_600})
    ]


def test_a_second_payment_is_credit():
    assert posted(*paid_bill(), paid("pay_2")) == [
        ("P24", {DEFERRED: 89_189, TAX: 9_811, CREDIT: -99_000})
    ]


def test_credit_of_a_second_payment_goes_with_it():
    assert posted(*paid_bill(), paid("pay_2"), undone("pay_2")) == [
        ("P22", {CREDIT: 99_000, DEFERRED: -89_189, TAX: -9_811})
    ]


def test_a_full_refund_after_ten_days_is_what_the_books_say():
    """P7: Deferred 59,460, Income:Refunds 29,729, PPN 9,811; the payment had taken all from Deferred."""
    back = refund_accepted(99_000, deferred=89_189, income=0, tax=9_811, sale=SALE)
    commands = (*paid_bill(), recognise(LATER), refunded(99_000, 89_189, at=LATER))

    assert posted(*commands) == [("P7", {DEFERRED: -29_729, REFUNDS: 29_729})]
    assert books(commands, captured(sale=SALE), back) == {
        PENDING: 99_000,
        PAYABLE: -99_000,
        INCOME: -29_729,
        REFUNDS: 29_729,
    }


def test_a_refund_of_what_is_not_earned_needs_no_correction():
    assert posted(*paid_bill(), refunded()) == []


def test_after_a_change_a_refund_is_taken_from_the_new_product():
    assert posted(*paid_bill(), change(at=LATER), refunded(at=LATER)) == [
        ("P7", {DEFERRED: -29_730, PRO: 29_730})
    ]


def test_a_refund_that_fails_leaves_no_trace():
    back = refund_accepted(99_000, deferred=89_189, income=0, tax=9_811, sale=SALE)
    before = (*paid_bill(), recognise(LATER))
    after = (*before, refunded(99_000, 89_189, at=LATER), refund_failed(at=LATER))
    paid_in = captured(sale=SALE)

    assert posted(*after) == [("P22", {DEFERRED: 29_729, REFUNDS: -29_729})]
    assert books(after, paid_in, back, payments_refund_failed(back)) == books(before, paid_in)


def test_a_payment_that_does_not_last_leaves_nothing_behind():
    lived = (
        *paid_bill(),
        change("Pro", share(20_000, 2_200), at=LATER),
        recognise(end_of_day(15)),
    )

    assert (
        books((*lived, undone(at=LATER)), captured(sale=SALE), cancelled(captured(sale=SALE))) == {}
    )


def test_nor_does_the_credit_that_had_paid_a_part():
    rest = share(80_180, 8_820)
    paid_in = captured(89_000, due=89_000, split=rest, sale=SALE)
    lived = (open_bill(opened(credit=10_000)), begin(), paid(of=rest), recognise(LATER))

    assert books((*lived, undone(of=rest, at=LATER)), paid_in, cancelled(paid_in)) == {}


def test_of_a_payment_undone_after_a_refund_that_refund_is_what_remains():
    back = refund_accepted(33_000, deferred=29_730, income=0, tax=3_270, sale=SALE)
    lived = (*paid_bill(), recognise(LATER), refunded(at=LATER), undone(at=LATER))
    payments = (captured(sale=SALE), back, cancelled(captured(sale=SALE)))

    assert books(lived, *payments) == {REFUNDS: 29_730, TAX: 3_270, PAYABLE: -33_000}
    failed = (*lived, refund_failed(at=LATER))
    assert books(failed, *payments, payments_refund_failed(back)) == {}


def test_a_month_of_a_bill_from_capture_to_the_last_day():
    whole_month = [recognise(end_of_day(day)) for day in range(1, 31)]

    assert books((*paid_bill(), *whole_month), captured(sale=SALE)) == {
        PENDING: 99_000,
        INCOME: -89_189,
        TAX: -9_811,
    }
