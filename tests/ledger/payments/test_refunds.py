"""Refund arithmetic: the numbers of books.md P7, P7b and P8, and that every sequence drains exactly."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.posting_rules import consequence
from ledger.journal.tax import split
from ledger.payments.events import Fee, Sale
from ledger.payments.methods import fee_for, method
from ledger.payments.refunds import (
    FeeReturned,
    RefundExceedsSale,
    RefundSplit,
    fee_returned,
    refund_split,
)
from ledger.share import Share
from support.payment_facts import (
    CARD_FEE,
    DELIVERED,
    PREPAID,
    balances,
    captured,
    fee,
    refund_accepted,
    refund_confirmed,
    rp,
    settled,
    share,
)

TODAY = date(2026, 11, 24)


def refund(
    amount: int,
    *,
    sale: Sale = PREPAID,
    before: int = 0,
    earned: int = 0,
    drawn: int = 0,
    paid: int = 99_000,
    of: Share | None = None,
    taxed: int | None = None,
) -> RefundSplit:
    return refund_split(
        captured=rp(paid),
        share=of or share(89_189, 9_811),
        sale=sale,
        sold_on=TODAY,
        refunded_before=rp(before),
        amount=rp(amount),
        earned=rp(earned),
        deferred_drawn_before=rp(drawn),
        tax_returned_before=None if taxed is None else rp(taxed),
    )


def test_a_full_refund_after_ten_days_takes_the_unearned_part_first():
    assert refund(99_000, earned=29_729) == (rp(59_460), rp(29_729), rp(9_811))  # P7


def test_a_partial_refund_comes_from_the_unearned_part():
    assert refund(33_000, earned=29_729) == (rp(29_730), rp(0), rp(3_270))  # P8


def test_of_a_bill_all_is_taken_as_unearned_for_the_bill_corrects_it():
    of_a_bill = Sale(kind="prepaid", product="Premium", bill_id="bill_1")

    assert refund(99_000, sale=of_a_bill, earned=29_729) == (rp(89_189), rp(0), rp(9_811))


def test_three_partial_refunds_drain_the_unearned_part_and_then_income():
    first = refund(33_000, earned=29_729)
    second = refund(33_000, earned=29_729, before=33_000, drawn=29_730)
    third = refund(33_000, earned=29_729, before=66_000, drawn=59_459)

    assert second == (rp(29_729), rp(0), rp(3_271))
    assert third == (rp(1), rp(29_729), rp(3_270))
    assert first.from_deferred + second.from_deferred + third.from_deferred == rp(59_460)


def test_a_delivered_sale_is_refunded_from_income():
    assert refund(99_000, sale=DELIVERED) == (rp(0), rp(89_189), rp(9_811))


def test_a_fully_earned_plan_is_refunded_from_income():
    assert refund(99_000, earned=89_189) == (rp(0), rp(89_189), rp(9_811))


def test_revenue_recognised_beyond_what_is_left_takes_nothing_from_deferred():
    assert refund(33_000, earned=89_189, before=33_000, drawn=29_730) == (
        rp(0),
        rp(29_729),
        rp(3_271),
    )


def test_a_refund_that_failed_in_the_middle_leaves_no_rupiah_behind():
    """3,270 failed after 3,271 was accepted; what stands sums to 9,811, not to 9,812."""
    second = refund(33_000, sale=DELIVERED, before=33_000, taxed=3_270)
    third = refund(33_000, sale=DELIVERED, before=33_000, taxed=second.tax.minor)
    last = refund(33_000, sale=DELIVERED, before=66_000, taxed=(second.tax + third.tax).minor)

    assert [r.tax.minor for r in (second, third, last)] == [3_271, 3_270, 3_270]


def test_no_more_is_refunded_than_was_paid_for_the_sale():
    with pytest.raises(RefundExceedsSale) as overpaid:
        refund(99_001, paid=100_000)
    with pytest.raises(RefundExceedsSale) as twice:
        refund(33_001, before=66_000)
    with pytest.raises(RefundExceedsSale) as forgiven:
        refund(99_000, paid=98_950)

    contexts = [refused.value.context for refused in (overpaid, twice, forgiven)]
    assert [c["refundable_minor"] for c in contexts] == [99_000, 33_000, 98_950]


def test_the_percentage_fee_comes_back_in_full_with_its_tax():
    assert fee_returned(CARD_FEE, rp(99_000), rp(0), rp(99_000)) == FeeReturned(
        rp(2_871), rp(316)
    )  # P7b


def test_three_parts_of_the_fee_sum_to_the_whole():
    parts = [
        fee_returned(CARD_FEE, rp(99_000), rp(before), rp(33_000)) for before in (0, 33_000, 66_000)
    ]

    assert [p.percentage.minor for p in parts] == [957, 957, 957]
    assert sum(p.tax.minor for p in parts) == 316


@pytest.mark.parametrize("taken", [fee(0, 0, 0), fee(0, 4_000, 440)])
def test_a_fixed_fee_does_not_come_back(taken):
    assert fee_returned(taken, rp(99_000), rp(0), rp(99_000)) == FeeReturned(rp(0), rp(0))


parts_of_a_payment = st.lists(st.integers(1, 10**8), min_size=1, max_size=10)
fees = st.builds(fee, st.integers(0, 10**7), st.integers(0, 10**5), st.integers(0, 10**6))


@given(parts_of_a_payment, st.booleans(), st.booleans(), st.data())
def test_any_partial_refunds_drain_the_sale_exactly(parts, taxed, prepaid, data):
    whole = split(rp(sum(parts)), TODAY, taxed)
    earned = data.draw(st.integers(0, whole.net.minor))
    sale = PREPAID if prepaid else DELIVERED
    done: list[RefundSplit] = []
    for i, part in enumerate(parts):
        drawn = sum(r.from_deferred.minor for r in done)
        before = sum(parts[:i])
        done.append(
            refund(
                part,
                sale=sale,
                before=before,
                earned=earned,
                drawn=drawn,
                paid=sum(parts),
                of=whole,
            )
        )

    deferred, income, tax = (sum(m.minor for m in column) for column in zip(*done, strict=True))

    assert tax == whole.tax.minor
    assert deferred == (whole.net.minor - earned if prepaid else 0)
    assert income == whole.net.minor - deferred
    assert all(amount.minor >= 0 for r in done for amount in r)


# Of a few rupiah each, what stands after failures may be off by more than the next part can mend.
some_rupiah = st.integers(1, 20) | st.integers(1_000, 10**7)


@given(st.lists(st.tuples(some_rupiah, st.booleans()), min_size=1, max_size=12))
def test_refunds_of_which_some_fail_still_drain_the_sale_exactly(asked):
    """Those marked fail only after the next one was accepted; at last whatever is left is refunded."""
    total = sum(amount for amount, _ in asked)
    whole = split(rp(total), TODAY, taxed=True)
    standing: list[tuple[int, RefundSplit, bool]] = []

    def accept(amount: int, fails: bool) -> None:
        before, taxed = sum(a for a, _, _ in standing), sum(r.tax.minor for _, r, _ in standing)
        made = refund(amount, sale=DELIVERED, before=before, taxed=taxed, paid=total, of=whole)
        standing[:] = [kept for kept in standing if not kept[2]] + [(amount, made, fails)]

    for amount, fails in asked:
        accept(amount, fails)
    standing[:] = [kept for kept in standing if not kept[2]]
    if left := total - sum(amount for amount, _, _ in standing):
        accept(left, False)

    assert sum(amount for amount, _, _ in standing) == total
    assert sum(r.tax.minor for _, r, _ in standing) == whole.tax.minor
    assert all(part.minor >= 0 for _, r, _ in standing for part in r)


@given(parts_of_a_payment, fees)
def test_any_partial_refunds_return_the_percentage_fee_exactly(parts, taken: Fee):
    total = sum(parts)
    back = [
        fee_returned(taken, rp(total), rp(sum(parts[:i])), rp(part)) for i, part in enumerate(parts)
    ]
    whole = fee_returned(taken, rp(total), rp(0), rp(total))

    assert sum(b.percentage.minor for b in back) == taken.percentage.minor
    assert sum(b.tax.minor for b in back) == whole.tax.minor <= taken.tax.minor
    assert all(amount.minor >= 0 for b in back for amount in b)


@given(st.lists(st.integers(3_000, 10**7), min_size=1, max_size=6), st.booleans(), st.booleans())
def test_a_refunded_payment_leaves_nothing_pending_and_nothing_payable(parts, taxed, prepaid):
    total, sale = sum(parts), PREPAID if prepaid else DELIVERED
    whole = split(rp(total), TODAY, taxed)
    taken = fee_for(method("credit_card"), rp(total), TODAY)
    facts: list[object] = [
        captured(total, due=total, split=whole, sale=sale),
        settled(total, total - taken.total.minor, taken),
    ]
    for i, part in enumerate(parts):
        drawn = sum(f.from_deferred.minor for f in facts if hasattr(f, "from_deferred"))
        before = sum(parts[:i])
        r = refund(part, sale=sale, before=before, drawn=drawn, paid=total, of=whole)
        back = fee_returned(taken, rp(total), rp(before), rp(part))
        facts += [
            refund_accepted(
                part,
                deferred=r.from_deferred.minor,
                income=r.from_income.minor,
                tax=r.tax.minor,
                sale=sale,
            ),
            refund_confirmed(
                part, fee_returned=back.percentage.minor, fee_tax_returned=back.tax.minor
            ),
        ]

    books = balances(entry for fact in facts for entry in consequence(fact))

    must_be_empty = (
        "Assets:Gateway:Midtrans:Pending",
        "Liabilities:Refund:Payable",
        "Liabilities:Tax:PPN-Keluaran",
    )
    assert not [account for account in must_be_empty if account in books]
    assert "Expenses:Gateway:MDR" not in books
    assert books["Expenses:Gateway:Fixed"] == 2_000
    assert sum(books.values()) == 0
