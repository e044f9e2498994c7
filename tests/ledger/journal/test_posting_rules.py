"""Every row of books.md section 3 that a payment can cause, with its numbers."""

from datetime import UTC, date, datetime

import pytest

import ledger.payments.events as payment
from ledger.events import TOPICS
from ledger.journal.entry import UnbalancedEntry
from ledger.journal.posting_rules import NO_MONEY, RULES, consequence
from support.payment_facts import (
    AT,
    DELIVERED,
    balances,
    cancelled,
    captured,
    chargeback,
    fee,
    legs,
    paid_late,
    refund_accepted,
    refund_confirmed,
    refund_failed,
    reversed_settlement,
    settled,
    share,
)

PENDING = "Assets:Gateway:Midtrans:Pending"
AVAILABLE = "Assets:Gateway:Midtrans:Available"
DEFERRED = "Liabilities:DeferredRevenue:Premium"
SALES = "Income:Sales:Report"
OUTPUT_TAX = "Liabilities:Tax:PPN-Keluaran"
INPUT_TAX = "Assets:Tax:PPN-Masukan"
MDR = "Expenses:Gateway:MDR"
FIXED = "Expenses:Gateway:Fixed"
PAYABLE = "Liabilities:Refund:Payable"
REFUNDS = "Income:Refunds"
UNAPPLIED = "Liabilities:Customer:Unapplied"
ROUNDING = "Expenses:Rounding"

ROWS = [
    ("P1", captured(), {PENDING: 99_000, DEFERRED: -89_189, OUTPUT_TAX: -9_811}),
    ("P1b", captured(sale=DELIVERED), {PENDING: 99_000, SALES: -89_189, OUTPUT_TAX: -9_811}),
    (
        "P2",
        settled(),
        {AVAILABLE: 93_593, MDR: 2_871, FIXED: 2_000, INPUT_TAX: 536, PENDING: -99_000},
    ),
    (
        "P7",
        refund_accepted(99_000, deferred=59_460, income=29_729, tax=9_811),
        {DEFERRED: 59_460, REFUNDS: 29_729, OUTPUT_TAX: 9_811, PAYABLE: -99_000},
    ),
    ("P7b", refund_confirmed(99_000), {PAYABLE: 99_000, AVAILABLE: -99_000}),
    (
        "P8",
        refund_accepted(33_000, deferred=29_730, income=0, tax=3_270),
        {DEFERRED: 29_730, OUTPUT_TAX: 3_270, PAYABLE: -33_000},
    ),
    (
        "P9",
        chargeback(),
        {
            "Assets:Gateway:Midtrans:Disputed": 99_000,
            "Expenses:Chargeback:Fee": 50_000,
            INPUT_TAX: 5_500,
            AVAILABLE: -154_500,
        },
    ),
    (
        "P13",
        captured(100_000),
        {PENDING: 100_000, DEFERRED: -89_189, OUTPUT_TAX: -9_811, UNAPPLIED: -1_000},
    ),
    (
        "P14",  # the rest stays open: the share is of what came, 90,000 = 81,081 + 8,919
        captured(90_000, split=share(81_081, 8_919)),
        {PENDING: 90_000, DEFERRED: -81_081, OUTPUT_TAX: -8_919},
    ),
    (
        "P14",  # within tolerance: the share is of what was due
        captured(98_950, rounding=50),
        {PENDING: 98_950, ROUNDING: 50, DEFERRED: -89_189, OUTPUT_TAX: -9_811},
    ),
    ("P15", paid_late(), {PENDING: 99_000, UNAPPLIED: -99_000}),
    (
        "P16",
        refund_confirmed(99_000, overdrawn=59_000),
        {PAYABLE: 99_000, AVAILABLE: -40_000, "Liabilities:Gateway:Midtrans:Overdrawn": -59_000},
    ),
    (
        "P17",
        settled(net=93_592),
        {
            AVAILABLE: 93_592,
            ROUNDING: 1,
            MDR: 2_871,
            FIXED: 2_000,
            INPUT_TAX: 536,
            PENDING: -99_000,
        },
    ),
]


@pytest.mark.parametrize(("rule", "fact", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_fact_posts_as_the_books_say(rule, fact, expected):
    (posted,) = consequence(fact)

    assert (posted.rule, legs(posted)) == (rule, expected)


def test_the_percentage_fee_comes_back_with_its_tax_in_an_entry_of_its_own():
    paid, returned = consequence(refund_confirmed(99_000, fee_returned=2_871, fee_tax_returned=316))

    assert (paid.rule, legs(paid)) == ("P7b", {PAYABLE: 99_000, AVAILABLE: -99_000})
    assert (returned.rule, legs(returned)) == (
        "P7b",
        {AVAILABLE: 3_187, MDR: -2_871, INPUT_TAX: -316},
    )


def test_a_gateway_that_pays_a_rupiah_more_credits_rounding():
    (posted,) = consequence(settled(net=93_594))

    assert (posted.rule, legs(posted)[ROUNDING]) == ("P17", -1)


def test_a_fee_without_tax_has_no_input_tax():
    """QRIS of Q05: receive 109,890, settle 109,121, fee 769."""
    (posted,) = consequence(settled(109_890, net=109_121, taken=fee(769, 0, 0)))

    assert legs(posted) == {AVAILABLE: 109_121, MDR: 769, PENDING: -109_890}


def test_a_void_takes_back_the_capture():
    (back,) = consequence(cancelled(captured()))

    assert (back.rule, back.reverses) == ("P22", "P1")
    assert balances([*consequence(captured()), back]) == {}


def test_a_void_of_nothing_booked_moves_nothing():
    assert not consequence(cancelled(None))


def test_a_reversed_settlement_takes_back_settlement_and_capture():
    made = [*consequence(captured()), *consequence(settled(net=93_592))]

    back = consequence(reversed_settlement(captured(), settled(net=93_592)))

    assert [(e.rule, e.reverses) for e in back] == [("P22", "P17"), ("P22", "P1")]
    assert balances([*made, *back]) == {}


def test_a_reversal_before_settlement_takes_back_the_capture_alone():
    back = consequence(reversed_settlement(captured(sale=DELIVERED), None))

    assert [e.reverses for e in back] == ["P1b"]


def test_a_refund_that_fails_after_acceptance_is_taken_back():
    accepted = refund_accepted(99_000, deferred=59_460, income=29_729, tax=9_811)

    back = consequence(refund_failed(accepted))

    assert [e.reverses for e in back] == ["P7"]
    assert balances([*consequence(accepted), *back]) == {}
    assert not consequence(refund_failed(None))


def test_a_payment_refunded_in_full_drains_what_must_drain():
    """P1, P2, P7, P7b: the fixed fee and its tax are all that is lost to the gateway."""
    facts = (
        captured(),
        settled(),
        refund_accepted(99_000, deferred=59_460, income=29_729, tax=9_811),
        refund_confirmed(99_000, fee_returned=2_871, fee_tax_returned=316),
    )

    books = balances(entry for fact in facts for entry in consequence(fact))

    # 29,729 of deferred revenue was recognised by P5, which is not a payment's event.
    assert books == {
        AVAILABLE: -2_220,
        FIXED: 2_000,
        INPUT_TAX: 220,
        DEFERRED: -29_729,
        REFUNDS: 29_729,
    }


def test_an_entry_happened_when_the_fact_did_on_the_day_in_jakarta():
    late_evening_in_utc = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)

    (posted,) = consequence(captured(at=late_evening_in_utc))

    assert (posted.occurred_at, posted.effective_on) == (late_evening_in_utc, date(2027, 1, 1))


def test_a_fact_whose_parts_do_not_add_up_posts_nothing():
    with pytest.raises(UnbalancedEntry):
        consequence(captured(98_950))


def test_every_event_of_a_payment_or_bill_has_a_rule_or_moves_no_money():
    events = {event for topic, event in TOPICS.items() if topic.startswith(("payment.", "bill."))}

    assert set(RULES) | NO_MONEY == events
    assert not set(RULES) & NO_MONEY


def test_an_event_that_moves_no_money_posts_nothing():
    assert not consequence(
        payment.RefundRequested(
            refund_id="ref_1", amount=captured().amount, reason="", occurred_at=AT
        )
    )
