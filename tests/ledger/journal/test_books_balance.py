"""Whatever a payment goes through, its entries balance, and what ended is taken back to the last rupiah."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from ledger.events import DomainEvent
from ledger.journal.posting_rules import consequence
from ledger.journal.tax import split
from ledger.payments.events import PaymentCaptured, PaymentSettled
from support.payment_facts import (
    DELIVERED,
    PREPAID,
    balances,
    cancelled,
    captured,
    chargeback,
    fee,
    paid_late,
    refund_accepted,
    refund_confirmed,
    refund_failed,
    reversed_settlement,
    settled,
)

TODAY = date(2026, 11, 24)
rupiah = st.integers(1, 10**10)
little = st.integers(0, 10**6)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@st.composite
def captures(draw: st.DrawFn) -> PaymentCaptured:
    """Exact, over, short and left open, or short and forgiven."""
    due, how = draw(rupiah), draw(st.sampled_from(["exact", "over", "short", "forgiven"]))
    off = draw(st.integers(0, min(100, due - 1)))
    paid = {"exact": due, "over": due + off, "short": due - off, "forgiven": due - off}[how]
    sold = paid if how == "short" else due
    share = split(captured(sold).amount, TODAY, draw(st.booleans()))
    rounding = off if how == "forgiven" else 0
    sale = draw(st.sampled_from([PREPAID, DELIVERED]))
    return captured(paid, due=due, split=share, sale=sale, rounding=rounding, at=draw(moments))


@st.composite
def settlements(draw: st.DrawFn, of: int) -> PaymentSettled:
    """Off by some rupiah either way; a fee may even exceed a small payment."""
    taken = fee(draw(little), draw(little), draw(little))
    return settled(of, of - taken.total.minor + draw(st.integers(-3, 3)), taken)


@st.composite
def facts(draw: st.DrawFn) -> Sequence[DomainEvent]:
    capture = draw(captures())
    settlement = draw(settlements(capture.amount.minor))
    deferred, income, tax = draw(st.integers(1, 10**9)), draw(little), draw(little)
    amount = deferred + income + tax
    accepted = refund_accepted(amount, deferred=deferred, income=income, tax=tax)
    overdrawn = draw(st.integers(0, amount))
    return [
        *(capture, settlement, cancelled(capture), cancelled(None)),
        *(reversed_settlement(capture, settlement), reversed_settlement(capture, None)),
        *(accepted, refund_failed(accepted), refund_failed(None), paid_late(amount)),
        refund_confirmed(
            amount, overdrawn=overdrawn, fee_returned=draw(little), fee_tax_returned=draw(little)
        ),
        chargeback(amount, draw(little), draw(little)),
    ]


@given(facts())
def test_every_entry_of_every_fact_balances(history):
    for fact in history:
        for entry in consequence(fact):
            assert sum(leg.amount.minor for leg in entry.legs) == 0
            assert all(leg.amount for leg in entry.legs)
            assert entry.occurred_at == fact.occurred_at


@given(st.data())
def test_what_is_reversed_leaves_no_trace(data):
    capture = data.draw(captures())
    settlement = data.draw(settlements(capture.amount.minor))

    voided = (capture, cancelled(capture))
    unsettled = (capture, settlement, reversed_settlement(capture, settlement))

    for history in (voided, unsettled):
        assert balances(entry for fact in history for entry in consequence(fact)) == {}


@given(st.data())
def test_a_settled_payment_is_no_longer_pending(data):
    capture = data.draw(captures())
    settlement = data.draw(settlements(capture.amount.minor))

    books = balances([*consequence(capture), *consequence(settlement)])

    assert "Assets:Gateway:Midtrans:Pending" not in books
    assert books.get("Assets:Gateway:Midtrans:Available", 0) == settlement.net.minor
