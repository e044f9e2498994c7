"""What a bill is told of its payments, and what it is not told."""

import pytest
from msgspec.structs import replace

from ledger.bills import commands as c
from ledger.bills.payments_facts import TOLD, UNTOLD, bill_command
from ledger.bills.trouble import trouble
from ledger.events import TOPICS, DomainEvent
from ledger.payments import events as e
from ledger.payments.deciding import PAYMENT
from ledger.providers.midtrans.refusals import CHANNEL_TEXTS
from support import facts as f
from support.payment_facts import (
    AT,
    cancelled,
    captured,
    chargeback,
    refund_accepted,
    refund_failed,
    reversed_settlement,
    rp,
    settled,
    share,
)

SALE = e.Sale(kind="prepaid", product="Premium", bill_id="bill_1")
REQUESTED = f.requested("credit_card", sale=SALE)
ATTEMPT = f.attempt_started(method="credit_card")
CAPTURED = captured(sale=SALE)
ACCEPTED = refund_accepted(33_000, deferred=29_000, income=730, tax=3_270, sale=SALE)
LATE = replace(
    ACCEPTED, from_deferred=rp(0), from_income=rp(0), tax=rp(0), from_unapplied=rp(33_000)
)


def told(*facts: DomainEvent, request: e.PaymentRequested = REQUESTED):
    """Of the last fact, by the payment as it is after all of them."""
    payment = PAYMENT.fold([request, ATTEMPT, f.dispatched(), *facts])
    return bill_command(payment, facts[-1], AT)


def test_a_capture_pays_the_bill():
    assert told(CAPTURED) == (
        "bill_1",
        c.RecordPaid(now=AT, payment_id=f.PAY, amount=rp(99_000), share=share(89_189, 9_811)),
    )


@pytest.mark.parametrize("sale", [replace(SALE, bill_id=""), replace(SALE, kind="delivered")])
def test_a_payment_that_is_no_prepaid_bills_tells_nobody(sale):
    assert told(captured(sale=sale), request=replace(REQUESTED, sale=sale)) is None


NOT_PAID = (
    (f.denied(), "51", "retry_later"),
    (
        e.ChargeDenied(
            occurred_at=AT, attempt=1, code="fraud_suspected", words="", evidence=f.said()
        ),
        "fraud_suspected",
        "never",
    ),
    (e.ChargeFailed(occurred_at=AT, attempt=1, code="54", words=""), "54", "needs_customer"),
    (f.expired(), "expired", "needs_customer"),
    (
        e.PaymentAbandoned(occurred_at=AT, attempt=1, reason="never seen"),
        "abandoned",
        "retry_later",
    ),
    (cancelled(None), "cancelled", "needs_customer"),
)


@pytest.mark.parametrize(
    ("fact", "code", "helps"), NOT_PAID, ids=[type(row[0]).__name__ + row[1] for row in NOT_PAID]
)
def test_a_payment_that_did_not_come_says_what_may_help(fact, code, helps):
    bill_id, command = told(fact)

    assert bill_id == "bill_1"
    assert isinstance(command, c.RecordNotPaid)
    assert (command.payment_id, command.code, command.trouble) == (f.PAY, code, helps)


def test_a_code_is_that_of_the_channel_on_which_it_was_paid():
    """59 of a card is fraud; of a wallet it means nothing."""

    def denied(payment_type: str) -> e.ChargeDenied:
        said = f.said(payment_type=payment_type)
        return e.ChargeDenied(occurred_at=AT, attempt=1, code="59", words="", evidence=said)

    assert told(denied("credit_card"))[1].trouble == "never"
    assert told(denied("gopay"))[1].trouble == "retry_later"


def test_while_the_payment_goes_on_by_another_method_it_has_not_failed():
    payment = PAYMENT.fold([REQUESTED, ATTEMPT, f.dispatched(), f.denied()])
    goes_on = PAYMENT.fold([f.attempt_started(2, "gopay")], payment)

    assert bill_command(payment, f.denied(), AT) is not None
    assert bill_command(goes_on, f.denied(), AT) is None


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (cancelled(CAPTURED), "cancelled"),
        (reversed_settlement(CAPTURED, settled()), "reversed"),
        (reversed_settlement(CAPTURED, None), "reversed"),
    ],
)
def test_a_capture_that_did_not_last_is_undone(fact, why):
    assert told(CAPTURED, fact) == (
        "bill_1",
        c.RecordUndone(
            now=AT, payment_id=f.PAY, amount=rp(99_000), share=share(89_189, 9_811), why=why
        ),
    )


def test_a_refund_is_told_by_its_net():
    assert told(CAPTURED, settled(), ACCEPTED)[1] == c.RecordRefunded(
        now=AT, payment_id=f.PAY, refund_id="ref_1", amount=rp(33_000), net=rp(29_730)
    )


def test_a_refund_asks_the_bill_before_it_is_sent():
    asked = e.RefundRequested(occurred_at=AT, refund_id="ref_1", amount=rp(33_000), reason="")

    assert told(CAPTURED, settled(), asked)[1] == c.AskRefund(
        now=AT, payment_id=f.PAY, refund_id="ref_1", amount=rp(33_000)
    )
    assert told(CAPTURED, settled(), replace(asked, late_attempt=1)) is None


@pytest.mark.parametrize("accepted", [ACCEPTED, None])
def test_a_refund_that_failed_is_told_also_if_it_was_never_taken(accepted):
    assert told(CAPTURED, settled(), refund_failed(accepted))[1] == c.RecordRefundFailed(
        now=AT, refund_id="ref_1"
    )


@pytest.mark.parametrize("fact", [LATE, refund_failed(LATE)])
def test_late_money_that_goes_back_is_not_the_bills(fact):
    assert told(CAPTURED, settled(), fact) is None


def test_a_chargeback_is_a_dispute():
    assert told(CAPTURED, settled(), chargeback())[1] == c.RecordDisputed(
        now=AT, payment_id=f.PAY, amount=rp(99_000)
    )


@pytest.mark.parametrize("fact", [settled(), f.late_payment(), f.pending(), f.unknown()])
def test_the_rest_of_a_payments_life_is_its_own(fact):
    assert told(fact) is None


def test_every_fact_of_a_payment_is_told_or_said_to_be_none_of_the_bills():
    facts = {event for topic, event in TOPICS.items() if topic.startswith("payment.")}

    assert set(TOLD) | UNTOLD == facts
    assert not set(TOLD) & UNTOLD


WORDS = {
    "never": ("fraud",),
    "needs_customer": (
        *("expired", "does not exist", "PIN", "security code", "linked again", "no such"),
        *("authenticate", "stopped recurring", "wants the payer to call", "has no OVO"),
    ),
    "retry_later": ("Insufficient", "limit", "try again later", "without a reason", "in progress"),
}


@pytest.mark.parametrize(("helps", "words"), WORDS.items(), ids=WORDS)
def test_the_gateways_codes_are_judged_as_their_words_say(helps, words):
    meant = [key for key, text in CHANNEL_TEXTS.items() if any(word in text for word in words)]

    assert meant
    assert {trouble(code, payment_type) for payment_type, code in meant} == {helps}


@pytest.mark.parametrize("code", ["41", "43", "04", "07", "59"])
def test_a_card_that_is_lost_or_stolen_helps_nobody(code):
    assert trouble(code, "credit_card") == "never"


def test_what_no_table_names_may_pass_by_itself():
    assert trouble("service_unavailable") == trouble("E9", "credit_card") == "retry_later"
