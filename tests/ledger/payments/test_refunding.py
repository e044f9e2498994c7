"""Refunds: never more than was captured, never sent twice blindly, taken back when they fail."""

import pytest

from ledger.errors import LedgerError
from ledger.journal.events import EntryPosted
from ledger.money import CurrencyMismatch, Money
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.deciding import BOOKED_PAYMENT, PAYMENT
from ledger.payments.life import RefundStatus
from ledger.payments.methods import METHODS
from ledger.payments.payment import PaymentStateForbids
from ledger.payments.refunding import (
    PaymentNotSettled,
    RefundAmountInvalid,
    RefundExceedsPayment,
    RefundMustBeFull,
    RefundNotSupported,
    RefundStateForbids,
    RefundWindowClosed,
)
from support.facts import (
    after,
    attempt_started,
    captured,
    denied,
    dispatched,
    listed,
    observation,
    paid,
    pending,
    refund_dispatched,
    refund_requested,
    refund_unknown,
    sent,
    settled,
    waiting,
)
from support.payment_commands import (
    BANK_SAYS_NO,
    BUSY,
    KNOWN,
    NOT_SENT,
    REFUSED,
    TIMEOUT,
    TOO_LATE,
    inquired,
    refund,
    refunded,
    send_refund,
)
from support.payment_facts import PREPAID, balances, rp
from support.scenario import Scenario


def payment():
    return Scenario(PAYMENT)


def shows(*refunds, status="settled", **more):
    return observation(status, refunds=refunds, **more)


SENT = (*paid("gopay"), refund_requested(), refund_dispatched())


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("wanted", "amount"), [(None, 99_000), (99_000, 99_000), (1, 1)])
def test_a_settled_payment_is_refunded_in_whole_or_in_part(wanted, amount):
    asked = payment().given(*paid("gopay")).when(refund(wanted)).then(e.RefundRequested)

    assert asked.state.refundable == rp(99_000 - amount)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_is_above_zero(amount):
    payment().given(*paid("gopay")).when(refund(amount)).then_refused(RefundAmountInvalid)


def test_what_is_captured_but_not_settled_is_cancelled_rather_than_refunded():
    payment().given(*sent("credit_card"), captured()).when(refund()).then_refused(PaymentNotSettled)


@pytest.mark.parametrize("history", [waiting("gopay"), (*waiting("gopay"), denied())])
def test_what_was_not_paid_is_not_refunded(history):
    payment().given(*history).when(refund()).then_refused(PaymentStateForbids)


@pytest.mark.parametrize(
    "method", [code for code, row in METHODS.items() if row.refund.allowed == "none"]
)
def test_a_transfer_is_not_refunded_through_the_gateway(method):
    payment().given(*paid(method)).when(refund(99_001)).then_refused(RefundNotSupported)


@pytest.mark.parametrize(
    "method", [code for code, row in METHODS.items() if row.refund.allowed == "full"]
)
def test_some_methods_are_refunded_in_full_only(method):
    refused = payment().given(*paid(method)).when(refund(98_999)).then_refused(RefundMustBeFull)

    assert refused.context == {"method": method, "amount_minor": 99_000}
    payment().given(*paid(method)).when(refund(None)).then(e.RefundRequested)
    twice = payment().given(*paid(method)).when(refund(None)).when(refund(None, "ref_2"))
    twice.then_refused(RefundExceedsPayment)


@pytest.mark.parametrize(
    "method", [code for code, row in METHODS.items() if row.refund.allowed != "none"]
)
def test_the_time_for_refunds_ends_with_its_window(method):
    end = settled().occurred_at - after(0)
    days = METHODS[method].refund.window_days

    payment().given(*paid(method)).when(refund(None, at=after(days=days) + end)).then(
        e.RefundRequested
    )
    late = refund(None, at=after(days=days, seconds=1) + end)
    payment().given(*paid(method)).when(late).then_refused(RefundWindowClosed)


def test_no_more_is_refunded_than_is_left():
    asked = payment().given(*paid("gopay"), refund_requested("ref_1", 66_000))

    refused = asked.when(refund(33_001, "ref_2")).then_refused(RefundExceedsPayment)
    assert refused.context == {"refundable_minor": 33_000}
    asked.when(refund(33_000, "ref_2")).then(e.RefundRequested)
    asked.when(refund(None, "ref_3")).then_refused(RefundExceedsPayment)


def test_another_currency_is_not_refunded():
    dollars = c.RequestRefund(refund_id="ref_1", amount=Money(5, "USD"), reason="", now=after(120))

    payment().given(*paid("gopay")).when(dollars).then_refused(CurrencyMismatch)


def test_fifty_racing_refunds_never_exceed_the_payment():
    race = payment().given(*paid("gopay"))
    for i in range(50):
        try:
            race.when(refund(7_000, f"ref_{i}")).state  # noqa: B018
        except LedgerError:
            race.then_refused(RefundExceedsPayment)

    assert len(race.state.refunds) == 14
    assert race.state.refundable == rp(1_000)


def test_one_refund_id_is_one_refund():
    asked = payment().given(*paid("gopay"), refund_requested())

    asked.when(refund(33_000)).then_nothing()
    asked.when(refund(None)).then_nothing()
    asked.when(refund(33_001)).then_refused(RefundStateForbids)


# ── sending ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_one_sender_of_a_refund_wins():
    asked = (
        payment()
        .given(*paid("gopay"), refund_requested())
        .when(send_refund())
        .then(refund_dispatched())
    )

    asked.when(send_refund()).then_refused(RefundStateForbids)


def test_a_refund_that_is_not_there_is_not_sent():
    payment().given(*paid("gopay")).when(send_refund()).then_refused(RefundStateForbids)


@pytest.mark.parametrize(("at", "lost_after"), [(after(999), None), (after(240), 120.0)])
def test_a_refund_that_may_be_under_way_is_not_sent_again(at, lost_after):
    payment().given(*SENT, refund_unknown()).when(
        send_refund(at=at, lost_after=lost_after)
    ).then_refused(PaymentStateForbids)


def test_a_refund_that_was_not_listed_for_long_is_sent_again_under_its_id():
    again = (
        payment().given(*SENT, refund_unknown()).when(send_refund(at=after(241), lost_after=120.0))
    )

    again.then(e.RefundDispatched)
    assert (again.state.refunds[0].sendings, len(again.state.refunds)) == (2, 1)


def test_a_refund_is_retried_three_times_each_in_its_time():
    tried = payment().given(*paid("gopay"), refund_requested())
    for retry in (1, 2, 3):
        at = 200 + retry * 60
        tried.when(send_refund(at=after(at))).then(e.RefundDispatched)
        tried.when(refunded(BUSY, sending=retry, now=after(at))).then(e.RefundRetryScheduled)
        tried.when(send_refund(at=after(at + 0.5))).then_refused(RefundStateForbids)

    tried.when(send_refund(at=after(999))).then(e.RefundDispatched).when(refunded(BUSY)).then(
        e.RefundFailed
    )
    assert tried.state.refundable == rp(99_000)


# ── what became of it ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refund_is_accepted_and_then_confirmed_once_each():
    went = payment().given(*SENT).when(refunded(shows(listed()))).then(e.RefundAccepted)
    assert went.state.public_status == "partially_refunded"

    went.when(inquired(shows(listed()))).then_nothing()
    went.when(inquired(shows(listed(confirmed=True)))).then(e.RefundConfirmed)
    went.when(inquired(shows(listed(confirmed=True)))).then_nothing()
    went.when(refunded(shows(listed()))).then_nothing()


def test_a_confirmation_that_comes_first_is_both():
    at_once = payment().given(*SENT, refund_unknown()).when(inquired(shows(listed(confirmed=True))))

    at_once.then(e.RefundAccepted, e.RefundConfirmed)


def test_the_refund_of_all_is_a_refunded_payment():
    whole = payment().given(*paid("gopay"), refund_requested(amount=99_000), refund_dispatched())

    whole.when(refunded(shows(listed(amount=99_000))))
    assert whole.state.public_status == "refunded"


def test_a_failed_refund_frees_its_amount():
    failed = payment().given(*SENT).when(refunded(REFUSED)).then(e.RefundFailed)

    assert failed.state.refundable == rp(99_000)
    assert failed.fact(e.RefundFailed).accepted is None


@pytest.mark.parametrize("outcome", [TIMEOUT, KNOWN])
def test_an_unknown_refund_still_counts(outcome):
    doubtful = payment().given(*SENT).when(refunded(outcome)).then(e.RefundOutcomeUnknown)

    assert doubtful.state.refundable == rp(66_000)
    doubtful.when(refunded(outcome)).then_nothing()


def test_a_refund_that_the_bank_denies_after_it_was_listed_is_taken_back():
    slow = payment().given(*SENT).when(inquired(shows(listed()))).then(e.RefundAccepted)

    slow.when(refunded(BANK_SAYS_NO)).then(e.RefundFailed)
    assert slow.fact(e.RefundFailed).accepted == slow.fact(e.RefundAccepted)
    assert slow.state.refunded == rp(0)


def test_a_repeated_sending_that_is_refused_does_not_undo_the_refund_that_is_listed():
    """The first sending took all that was left; the second is refused for just that reason."""
    twice = payment().given(*SENT, refund_unknown(), refund_dispatched(sending=2))

    twice.when(inquired(shows(listed()))).then(e.RefundAccepted)
    for outcome in (TOO_LATE, NOT_SENT, BUSY, TIMEOUT, KNOWN):
        twice.when(refunded(outcome)).then_nothing()


def test_a_held_up_sender_of_a_refund_says_nothing_about_the_next_sending():
    twice = payment().given(*SENT, refund_unknown(), refund_dispatched(sending=2))

    for outcome in (TOO_LATE, NOT_SENT, BUSY, TIMEOUT, KNOWN):
        twice.when(refunded(outcome, sending=1)).then_nothing()


def test_a_refund_that_had_failed_and_is_listed_is_looked_at_by_a_person():
    failed = payment().given(*SENT).when(refunded(TOO_LATE)).then(e.RefundFailed)

    failed.when(inquired(shows(listed()))).then(e.ReviewRequested)


@pytest.mark.parametrize(
    "refunds",
    [
        [listed("ref_elsewhere")],
        [listed("")],
        [listed(amount=33_001)],
        [listed(gateway_id="a"), listed(gateway_id="b")],
        [listed(), listed("ref_elsewhere")],
    ],
    ids=["not ours", "without a key", "another amount", "made twice", "ours and another"],
)
def test_a_refund_that_we_did_not_send_so_is_looked_at_by_a_person(refunds):
    frozen = payment().given(*SENT).when(inquired(shows(*refunds))).then(e.ReviewRequested)

    assert frozen.state.review == "refund_not_ours"


def test_a_silent_sender_of_a_refund_is_given_its_lease_and_then_doubted():
    silent = payment().given(*SENT)

    silent.when(inquired(shows(), at=after(150))).then_nothing()
    silent.when(inquired(TIMEOUT, at=after(999))).then_nothing()
    silent.when(inquired(shows(), at=after(151))).then(e.RefundOutcomeUnknown)
    silent.when(inquired(shows(), at=after(999))).then_nothing()


def test_a_silent_sender_is_not_doubted_because_of_an_earlier_attempt():
    """The refund is of attempt 2; the gateway cannot list it under the order of attempt 1."""
    second = (
        attempt_started(2, "gopay"),
        dispatched(2),
        pending(2),
        captured(attempt=2),
        settled(attempt=2),
    )
    silent = payment().given(
        *waiting("bca_va"), denied(), *second, refund_requested(), refund_dispatched()
    )

    silent.when(inquired(observation("denied"), attempt=1, at=after(999))).then_nothing()


# ── what it takes from the books ────────────────────────────────────────────────────────────────────────────────────


def test_the_fee_comes_back_and_an_empty_balance_is_overdrawn():
    poor = (
        payment().given(*SENT).when(refunded(shows(listed(confirmed=True)), available=rp(20_000)))
    )
    fact = poor.fact(e.RefundConfirmed)

    assert (fact.from_available, fact.overdrawn) == (rp(20_000), rp(13_000))
    assert (fact.fee_returned, fact.fee_tax_returned) == (rp(660), rp(73))


def test_two_refunds_confirmed_at_once_share_one_balance():
    both = (*SENT, refund_requested("ref_2"), refund_dispatched("ref_2"))
    shown = shows(listed(confirmed=True), listed("ref_2", confirmed=True))
    poor = payment().given(*both).when(inquired(shown, available=rp(40_000)))

    drawn = [fact.from_available.minor for fact in poor.new if isinstance(fact, e.RefundConfirmed)]
    assert drawn == [33_000, 40_000 + 733 - 33_000]


def test_a_refund_between_two_others_that_failed_leaves_no_rupiah_behind():
    """33,000 three times: 3,270 + 3,271 + 3,270; once the first has failed, the second keeps its odd rupiah."""
    three = Scenario(BOOKED_PAYMENT).given(*paid("gopay", sale=PREPAID))
    for refund_id in ("a", "b"):
        three.when(refund(33_000, refund_id)).when(send_refund(refund_id))
    three.when(inquired(shows(listed("a"), listed("b")))).when(refunded(BANK_SAYS_NO, "a"))
    for refund_id in ("c", "d"):
        three.when(refund(33_000, refund_id)).when(send_refund(refund_id))
        three.when(refunded(shows(listed(refund_id)), refund_id))

    state = three.state
    tax = [one.accepted.tax.minor for one in state.refunds if one.status is RefundStatus.ACCEPTED]
    assert tax == [3_271, 3_270, 3_270]
    left = balances(fact for fact in three.facts if isinstance(fact, EntryPosted))
    assert left["Liabilities:Tax:PPN-Keluaran"] == 9_811
    assert left["Liabilities:DeferredRevenue:Premium"] == 89_189
