"""From the request to the first answer: one live attempt, honest doubt, three retries, then the next method."""

import pytest

from ledger.journal.chart import AccountPartInvalid
from ledger.payments import events as e
from ledger.payments.deciding import PAYMENT
from ledger.payments.eligibility import CaptureLaterUnsupported, CardTokenMissing, PayerFieldMissing
from ledger.payments.life import Status
from ledger.payments.methods import ExpiryOutOfBounds, MethodNotInCountry, MethodUnknown
from ledger.payments.payment import PaymentNotFound, PaymentStateForbids
from ledger.payments.routing import NoMethodAvailable
from support.facts import (
    TOKEN,
    after,
    attempt_started,
    begun,
    cancel_requested,
    denied,
    dispatched,
    expired,
    observation,
    requested,
    sent,
    unknown,
    waiting,
)
from support.payment_commands import (
    BUSY,
    KNOWN,
    NOT_SENT,
    NOWHERE,
    REFUSED,
    TIMEOUT,
    ask,
    cancel,
    charged,
    inquired,
    send,
)
from support.scenario import Scenario


def payment():
    return Scenario(PAYMENT)


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_begins_its_first_attempt_in_the_same_breath():
    asked = payment().when(ask(requested("bca_va"))).then(requested("bca_va"), e.AttemptStarted)

    assert asked.state.attempt.order_id == "pay_1-1"
    assert asked.state.status is Status.REQUESTED


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (requested("cowrie_shells"), MethodUnknown),
        (requested("bca_va", fallback=("cowrie_shells",)), MethodUnknown),
        (requested("credit_card"), CardTokenMissing),
        (requested("bca_va", capture="later"), CaptureLaterUnsupported),
        (requested("ovo", payer_known=("name",)), PayerFieldMissing),
        (requested("gopay", expires_after_seconds=30 * 86_400), ExpiryOutOfBounds),
        (requested("convenience_store", amount=99_000_000), NoMethodAvailable),
        (requested(sale=e.Sale(product="no such: account")), AccountPartInvalid),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_what_cannot_be_charged_or_booked_is_refused_before_anything_is_sent(request_, refusal):
    payment().when(ask(request_)).then_refused(refusal)


def test_a_method_is_refused_where_it_is_not_offered():
    payment().when(ask(requested(), country="SG")).then_refused(MethodNotInCountry)


def test_a_payment_is_requested_once():
    payment().given(*begun()).when(ask(requested())).then_refused(PaymentStateForbids)


@pytest.mark.parametrize("command", [send(), charged(TIMEOUT), inquired(NOWHERE), cancel()])
def test_nothing_can_be_done_with_a_payment_that_is_not_there(command):
    payment().when(command).then_refused(PaymentNotFound)


# ── sending ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_one_sender_wins():
    payment().given(*begun()).when(send()).then(dispatched()).when(send()).then_refused(
        PaymentStateForbids
    )


def test_a_sending_of_an_attempt_that_was_followed_by_another_is_refused():
    followed = payment().given(*sent(), denied(), attempt_started(2, "gopay"))

    followed.when(send(attempt=1)).then_refused(PaymentStateForbids)
    followed.when(send(attempt=2)).then(dispatched(2))


@pytest.mark.parametrize(
    ("at", "lost_after"),
    [(after(500), None), (after(100), 120.0), (after(119.9), 120.0)],
    ids=["the gateway was not asked", "too early", "only just too early"],
)
def test_what_may_be_under_way_is_not_sent_again(at, lost_after):
    doubtful = payment().given(*sent(), unknown())

    doubtful.when(send(at=at, lost_after=lost_after)).then_refused(PaymentStateForbids)


def test_what_was_never_seen_for_long_is_sent_again_under_the_same_order_id():
    resent = payment().given(*sent(), unknown()).when(send(at=after(120), lost_after=120.0))

    resent.then(dispatched(1, sending=2, at=after(120)))
    assert [attempt.order_id for attempt in resent.state.attempts] == ["pay_1-1"]


def test_after_a_second_sending_the_waiting_begins_anew():
    twice = payment().given(*sent(), unknown(), dispatched(1, 2, at=after(130)), unknown())

    twice.when(send(at=after(200), lost_after=120.0)).then_refused(PaymentStateForbids)


def test_nothing_is_sent_after_a_cancel_was_asked_for():
    doubtful = payment().given(*sent(), unknown(), cancel_requested())

    doubtful.when(send(at=after(500), lost_after=120.0)).then_refused(PaymentStateForbids)


# ── what became of it ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("outcome", [TIMEOUT, KNOWN], ids=["timeout", "duplicate"])
def test_an_unknown_outcome_is_not_guessed(outcome):
    doubtful = payment().given(*sent()).when(charged(outcome)).then(e.ChargeOutcomeUnknown)

    assert doubtful.state.status is Status.UNKNOWN
    doubtful.when(charged(outcome)).then_nothing()


def test_three_retries_and_then_it_has_failed():
    tried = payment().given(*begun())
    for retry in (1, 2, 3):
        tried.when(send(at=after(retry * 60))).then(e.ChargeDispatched)
        tried.when(charged(BUSY, sending=retry, now=after(retry * 60 + 1))).then(
            e.ChargeRetryScheduled
        )
        assert tried.state.attempt.retries == retry

    tried.when(send(at=after(240))).then(e.ChargeDispatched).when(charged(BUSY, sending=4)).then(
        e.ChargeFailed
    )
    assert tried.state.status is Status.FAILED


def test_a_retry_waits_its_time():
    early = payment().given(*sent()).when(charged(BUSY, now=after(2))).then(e.ChargeRetryScheduled)

    early.when(send(at=after(2.9))).then_refused(PaymentStateForbids)
    early.when(send(at=after(3))).then(e.ChargeDispatched)


def test_what_cannot_pass_is_not_retried():
    payment().given(*sent()).when(charged(REFUSED)).then(e.ChargeFailed)


def test_a_held_up_sender_says_nothing_about_the_sending_of_another():
    """The sender of the first sending wakes up after the second one left: only its own was not sent."""
    twice = payment().given(*sent(), unknown(), dispatched(1, 2, at=after(130)))

    for outcome in (NOT_SENT, REFUSED, TIMEOUT, KNOWN):
        twice.when(charged(outcome, sending=1, now=after(131))).then_nothing()
    assert twice.state.status is Status.DISPATCHED


def test_a_refused_sending_does_not_undo_what_the_gateway_has_shown():
    for outcome in (NOT_SENT, REFUSED):
        payment().given(*waiting("bca_va", fallback=("gopay",))).when(
            charged(outcome)
        ).then_nothing()


def test_an_answer_shown_by_an_earlier_sending_counts():
    twice = payment().given(*sent(), unknown(), dispatched(1, 2, at=after(130)))

    twice.when(charged(observation("settled"), sending=1)).then(e.PaymentCaptured, e.PaymentSettled)


# ── falling back ────────────────────────────────────────────────────────────────────────────────────────────────────

DENIED = observation("denied")


def test_a_denied_attempt_is_followed_by_the_callers_fallback_under_a_new_order_id():
    fell_back = payment().given(*sent("gopay", fallback=("bca_va",))).when(charged(DENIED))

    fell_back.then(e.ChargeDenied, e.AttemptStarted)
    assert [(a.order_id, a.method) for a in fell_back.state.attempts] == [
        ("pay_1-1", "gopay"),
        ("pay_1-2", "bca_va"),
    ]
    assert fell_back.state.attempt.why.rule == "fallback"


def test_an_attempt_of_a_family_is_followed_by_the_next_of_the_family():
    family = requested("virtual_account"), attempt_started(method="bni_va"), dispatched()

    payment().given(*family).when(charged(REFUSED)).then(e.ChargeFailed, e.AttemptStarted)


def test_without_permission_nothing_follows():
    payment().given(*sent("gopay")).when(charged(DENIED)).then(e.ChargeDenied)


def test_nothing_follows_after_a_cancel_was_asked_for():
    cancelled = payment().given(*sent("gopay", fallback=("bca_va",)), cancel_requested())

    cancelled.when(charged(DENIED)).then(e.ChargeDenied)
    assert not cancelled.state.cancel_asked


def test_a_refusal_that_would_pass_ends_a_cancelled_payment():
    cancelled = (
        payment().given(*sent(), cancel_requested()).when(charged(BUSY)).then(e.PaymentAbandoned)
    )

    assert cancelled.state.status is Status.CANCELLED


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_what_expired_or_was_cancelled_is_not_followed(status):
    ended = (
        payment().given(*waiting("gopay", fallback=("bca_va",))).when(inquired(observation(status)))
    )

    assert len(ended.state.attempts) == 1


def test_a_fallback_that_does_not_fit_is_passed_over():
    """No card token, no phone, no such expiry: the next one that can take the payment is tried."""
    request = {
        "fallback": ("credit_card", "ovo", "gopay", "bca_va"),
        "expires_after_seconds": 30 * 86_400,
    }
    left = payment().given(*sent("bni_va", payer_known=(), **request)).when(charged(DENIED))

    left.then(e.ChargeDenied, e.AttemptStarted)
    assert left.state.attempt.method == "bca_va"


def test_every_method_is_tried_once_and_then_it_is_over():
    last = payment().given(
        *sent("gopay", fallback=("gopay", "bca_va")), denied(), attempt_started(2), dispatched(2)
    )

    last.when(charged(observation("denied", attempt=2), attempt=2)).then(e.ChargeDenied)
    assert last.state.status is Status.DENIED


def test_at_most_one_attempt_is_live():
    request = {"fallback": ("bca_va", "bni_va"), "card_token": TOKEN}
    first = (
        payment()
        .given(*sent("credit_card", **request))
        .when(charged(DENIED))
        .then(e.ChargeDenied, e.AttemptStarted)
    )

    for outcome in (DENIED, REFUSED, BUSY, TIMEOUT):
        first.when(charged(outcome)).then_nothing()
    first.when(inquired(DENIED)).then_nothing()
    assert [attempt.status for attempt in first.state.attempts] == [Status.DENIED, Status.REQUESTED]


def test_an_inquiry_about_an_attempt_that_is_over_changes_nothing():
    over = payment().given(*waiting(), expired())

    for outcome in (NOWHERE, TIMEOUT, observation("expired")):
        over.when(inquired(outcome)).then_nothing()
