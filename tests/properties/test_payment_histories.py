"""Whatever is tried on a payment, in whatever order, with whatever answers: what must hold all the same."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.events import DomainEvent
from ledger.journal.events import EntryPosted
from ledger.journal.posting_rules import consequence
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.life import LIVE, RefundStatus, Status
from ledger.payments.methods import METHODS, expiry
from ledger.payments.payment import Payment
from ledger.payments.review_events import ReviewDecided
from ledger.providers.port import Did, DidNot
from support.facts import listed, observation, paid, requested
from support.payment_commands import BANK_SAYS_NO, ask, inquired, refund, refunded, send_refund
from support.payment_facts import AT, DELIVERED, PREPAID, balances, rp
from support.payment_moves import moves, requests
from support.scenario import Scenario

modest = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
GATEWAY = "Assets:Gateway:Midtrans"
ASKED = ask(requested())
STANDING = (RefundStatus.ACCEPTED, RefundStatus.CONFIRMED)
# What an unknown outcome may be left by, besides facts that carry the gateway's evidence (reliability.md 4.2).
PROVED = (e.ChargeFailed, e.ChargeRetryScheduled, e.PaymentAbandoned)


class Step(NamedTuple):
    before: Payment
    command: c.Command
    facts: Sequence[DomainEvent]
    after: Payment


def tried(payment: Payment, command: c.PaymentCommand) -> Sequence[DomainEvent]:
    """Refusals bring nothing; anything but a refusal of ours is a fault."""
    try:
        return BOOKED_PAYMENT.decide(payment, command)
    except LedgerError:
        return []


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Half of them from the request on, half from a settled payment on, for most of what can go wrong comes then."""
    steps = [_step(Payment(), draw(requests()))] if draw(st.booleans()) else [_settled(draw)]
    now = AT
    for _ in range(draw(st.integers(8, 40))):
        command = draw(moves(steps[-1].after, now))
        steps.append(_step(steps[-1].after, command))
        now = max(now, command.now)
    return steps


def _settled(draw: st.DrawFn) -> Step:
    amount, sale = draw(st.integers(10_000, 500_000)), draw(st.sampled_from([DELIVERED, PREPAID]))
    opening = paid(draw(st.sampled_from(["gopay", "credit_card", "shopeepay"])), amount, sale)
    booked = [one for fact in opening for one in (fact, *consequence(fact))]
    return Step(Payment(), ASKED, booked, BOOKED_PAYMENT.fold(booked))


def _step(before: Payment, command: c.PaymentCommand) -> Step:
    facts = tried(before, command)
    return Step(before, command, facts, BOOKED_PAYMENT.fold(facts, before))


def facts(history: list[Step]) -> list[DomainEvent]:
    return [fact for step in history for fact in step.facts]


@modest
@given(histories())
def test_what_is_recorded_twice_is_recorded_once(history):
    for step in history:
        again = tried(step.after, step.command)
        assert not again, (step.command, again)


@modest
@given(histories())
def test_replayed_is_as_lived(history):
    assert BOOKED_PAYMENT.fold(facts(history)) == history[-1].after


@modest
@given(histories())
def test_the_books_balance_and_agree_with_the_payment(history):
    booked: list[EntryPosted] = []
    happened: list[DomainEvent] = []
    for step in history:
        booked += [fact for fact in step.facts if isinstance(fact, EntryPosted)]
        happened += [fact for fact in step.facts if not isinstance(fact, EntryPosted)]
        assert all(sum(leg.amount.minor for leg in entry.legs) == 0 for entry in booked)
        _agree(balances(booked), step.after, happened)


def _sum(happened: list[DomainEvent], kind: type[Any]) -> int:
    return sum(fact.amount.minor for fact in happened if isinstance(fact, kind))


def _voided(happened: list[DomainEvent]) -> int:
    return _returned(happened, "cancelled")


def _returned(happened: list[DomainEvent], how: str) -> int:
    return sum(
        fact.received.amount.minor
        for fact in happened
        if isinstance(fact, e.LatePaymentReturned) and fact.how == how
    )


def _agree(books: dict[str, int], payment: Payment, happened: list[DomainEvent]) -> None:
    captured = payment.captured.amount.minor if payment.captured else 0
    late = _sum(happened, e.LatePaymentReceived)
    unsettled = late - _sum(happened, e.LatePaymentSettled) - _voided(happened)
    assert books.get(f"{GATEWAY}:Pending", 0) == (0 if payment.settled else captured) + unsettled
    sent_back = sum(
        fact.from_unapplied.minor for fact in happened if isinstance(fact, e.RefundAccepted)
    )
    failed = sum(
        fact.accepted.from_unapplied.minor
        for fact in happened
        if isinstance(fact, e.RefundFailed) and fact.accepted
    )
    by_hand = _returned(happened, "by_hand")
    over = payment.captured.amount - payment.captured.due if payment.captured else rp(0)
    unapplied = late - _voided(happened) - sent_back + failed - by_hand + max(over.minor, 0)
    assert books.get("Liabilities:Customer:Unapplied", 0) == -unapplied

    owed = sum(
        refund.amount.minor for refund in payment.refunds if refund.status is RefundStatus.ACCEPTED
    )
    assert books.get("Liabilities:Refund:Payable", 0) == -owed - by_hand
    assert payment.refunding.minor <= captured

    standing = [
        refund.accepted
        for refund in payment.refunds
        if refund.accepted and refund.status in STANDING
    ]
    tax = payment.captured.share.tax.minor if payment.captured else 0
    assert (
        books.get("Liabilities:Tax:PPN-Keluaran", 0)
        == sum(part.tax.minor for part in standing) - tax
    )

    lost = payment.charged_back.minor if payment.charged_back else 0
    assert lost + payment.refunding.minor <= captured
    assert books.get(f"{GATEWAY}:Disputed", 0) == lost
    assert sum(books.values()) == 0


@modest
@given(histories())
def test_doubt_is_ended_by_evidence_alone(history):
    for step in history:
        if step.before.status is Status.UNKNOWN and step.after.status is not Status.UNKNOWN:
            if isinstance(step.command, c.DecideReview):
                assert isinstance(step.facts[0], ReviewDecided)
                continue
            ended = step.facts[0]
            evidence = getattr(ended, "evidence", None)
            resent = (
                isinstance(ended, e.ChargeDispatched)
                and step.command.lost_after_seconds is not None
            )
            assert evidence or resent or isinstance(ended, PROVED)
            if isinstance(ended, PROVED):
                assert isinstance(step.command.outcome, Did | DidNot)
            if isinstance(ended, e.PaymentAbandoned):
                assert step.before.cancel_asked or _is_late(step)
            if resent:
                waited = step.command.now - step.before.attempt.sent_at
                assert waited >= timedelta(seconds=step.command.lost_after_seconds)


def _is_late(step: Step) -> bool:
    request = step.before.request
    seconds = expiry(METHODS[step.before.attempt.method], request.expires_after_seconds)
    return step.command.now > request.occurred_at + timedelta(seconds=seconds)


@modest
@given(histories())
def test_one_attempt_at_a_time_each_under_an_order_id_of_its_own(history):
    for step in history:
        attempts = step.after.attempts
        assert len({attempt.order_id for attempt in attempts}) == len(attempts)
        assert len({attempt.method for attempt in attempts}) == len(attempts)
        assert not [attempt for attempt in attempts[:-1] if attempt.status in LIVE]
        assert attempts[-1].retries <= 3
        if any(isinstance(fact, e.AttemptStarted) for fact in step.facts) and step.before.attempts:
            assert not step.before.cancel_asked


@modest
@given(histories())
def test_nothing_happens_to_a_frozen_payment(history):
    for step in history:
        if not isinstance(step.command, c.DecideReview):
            assert not (step.before.review and step.facts)


@modest
@given(histories())
def test_each_movement_of_money_is_followed_by_its_entries(history):
    for step in history:
        moved = [fact for fact in step.facts if not isinstance(fact, EntryPosted)]
        assert list(step.facts) == [one for fact in moved for one in (fact, *consequence(fact))]


# ── a payment that is given back to the last rupiah ─────────────────────────────────────────────────────────────────

little = st.integers(1, 20)
parts = st.lists(
    st.tuples(little | st.integers(1_000, 10**6), st.booleans()), min_size=1, max_size=10
)


@modest
@given(parts, st.booleans())
def test_a_payment_refunded_in_parts_of_which_some_fail_leaves_neither_tax_nor_revenue(
    asked, prepaid
):
    """Those marked are accepted, and fail only after the next one was accepted; at last the rest is refunded."""
    total = sum(amount for amount, _ in asked)
    opening = paid("gopay", total, PREPAID if prepaid else DELIVERED)
    booked = Scenario(BOOKED_PAYMENT).given(
        *[one for fact in opening for one in (fact, *consequence(fact))]
    )
    failing = ""
    for i, (amount, fails) in enumerate(asked):
        _accept(booked, f"ref_{i}", amount)
        if failing:
            booked.when(refunded(BANK_SAYS_NO, failing))
        failing = f"ref_{i}" if fails else ""
    if failing:
        booked.when(refunded(BANK_SAYS_NO, failing))
    if left := booked.state.refundable.minor:
        _accept(booked, "ref_rest", left)

    books = balances(fact for fact in booked.facts if isinstance(fact, EntryPosted))
    returned = [fact for fact in booked.facts if isinstance(fact, e.RefundAccepted)]
    income = books.get("Income:Refunds", 0) + books.get("Income:Sales:Report", 0)
    assert booked.state.public_status == "refunded"
    assert (books.get("Liabilities:Tax:PPN-Keluaran", 0), income) == (0, 0)
    assert books.get("Liabilities:DeferredRevenue:Premium", 0) == 0
    assert all(
        amount.minor >= 0
        for fact in returned
        for amount in (fact.tax, fact.from_income, fact.from_deferred)
    )


def _accept(booked: Scenario, refund_id: str, amount: int) -> None:
    booked.when(refund(amount, refund_id)).when(send_refund(refund_id))
    standing = [r for r in booked.state.refunds if r.status in STANDING or r.refund_id == refund_id]
    shown = [listed(r.refund_id, r.amount.minor) for r in standing]
    booked.when(inquired(observation("settled", booked.state.settled.amount.minor, shown)))
