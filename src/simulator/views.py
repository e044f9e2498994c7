"""A transaction as Midtrans shows it: to a charge, a status inquiry, a notice (4, 6, 10.5)."""

from typing import Final

from simulator.clock import wib
from simulator.methods import METHODS
from simulator.signature import sign
from simulator.transactions import STATES, Fields, Refund, Status, Transaction
from simulator.wire import rupiah, without_nulls

FOUND: Final = "Success, transaction is found"
NOTICE_MESSAGE: Final = "midtrans payment notification"
CARD_SUCCESS: Final = "Success, Credit Card transaction is successful"
CARD_REFUNDED: Final = "Success, refund request is approved by the bank"

# midtrans.md 4.2, "Status message by card state"; a denied card carries its own words.
CARD_MESSAGES: Final = {
    Status.PENDING: "Credit Card transaction is pending",
    Status.AUTHORIZE: CARD_SUCCESS,
    Status.CAPTURE: CARD_SUCCESS,
    Status.SETTLEMENT: CARD_SUCCESS,
    Status.FAILURE: "Credit Card transaction is failed",
    Status.CANCEL: "Success, transaction is canceled",
    Status.PARTIAL_REFUND: CARD_REFUNDED,
    Status.REFUND: CARD_REFUNDED,
    Status.EXPIRE: "Credit Card transaction is expired",
}
SHOWS_ACTIONS: Final = ("dana", "shopeepay")  # in the status answer while pending, midtrans.md 6


def refund_view(refund: Refund) -> Fields:
    confirmed = refund.bank_confirmed_at
    return without_nulls(
        {
            "refund_chargeback_id": refund.serial,
            "refund_chargeback_uuid": refund.uuid,
            "refund_amount": rupiah(refund.amount),
            "created_at": wib(refund.created_at),
            "reason": refund.reason,
            "refund_key": refund.key,
            "refund_method": refund.method,
            "bank_confirmed_at": wib(confirmed) if confirmed else None,
        }
    )


def shared(transaction: Transaction, merchant_id: str) -> Fields:
    """What every answer and notice about a transaction has in common."""
    settled = transaction.settled_at
    refunds = [refund_view(refund) for refund in transaction.standing_refunds] or None
    return without_nulls(
        {
            "transaction_id": transaction.transaction_id,
            "order_id": transaction.order_id,
            "merchant_id": merchant_id,
            "gross_amount": rupiah(transaction.gross_amount),
            "currency": "IDR",
            "payment_type": transaction.payment_type,
            "transaction_time": wib(transaction.created_at),
            "transaction_status": transaction.status.value,
            "fraud_status": transaction.fraud_status,
            "expiry_time": wib(transaction.expires_at),
            "settlement_time": wib(settled) if settled else None,
            "refund_amount": rupiah(transaction.refunded) if refunds else None,
            "refunds": refunds,
            **transaction.detail,
            **transaction.echoes,
        }
    )


def charge_answer(transaction: Transaction, merchant_id: str) -> Fields:
    return (
        {"status_code": _code(transaction, "notice"), "status_message": _charge_words(transaction)}
        | shared(transaction, merchant_id)
        | without_nulls(transaction.once)
    )


def status_answer(transaction: Transaction, merchant_id: str, server_key: str) -> Fields:
    body = _signed(transaction, merchant_id, server_key, "inquiry", _status_words(transaction))
    if transaction.status is Status.PENDING and transaction.method_name in SHOWS_ACTIONS:
        body["actions"] = transaction.once["actions"]
    return body


def notice_body(transaction: Transaction, merchant_id: str, server_key: str) -> Fields:
    return _signed(transaction, merchant_id, server_key, "notice", NOTICE_MESSAGE)


def _signed(
    transaction: Transaction, merchant_id: str, server_key: str, kind: str, words: str
) -> Fields:
    body = shared(transaction, merchant_id)
    code = _code(transaction, kind)
    if kind == "inquiry" and _dana_is_pending(transaction):
        body["transaction_status"] = "PENDING"
    signature = sign(transaction.order_id, code, body["gross_amount"], server_key)
    return {"status_code": code, "status_message": words, "signature_key": signature} | body


def _code(transaction: Transaction, kind: str) -> str:
    if transaction.status is Status.CAPTURE and transaction.fraud_status == "challenge":
        return "201"  # legacy, midtrans.md 10.4
    if kind == "inquiry" and _dana_is_pending(transaction):
        return "200"  # an exception of its own, midtrans.md 6
    state = STATES[transaction.status]
    return state.notice_code if kind == "notice" else state.inquiry_code


def _dana_is_pending(transaction: Transaction) -> bool:
    return transaction.method_name == "dana" and transaction.status is Status.PENDING


def _charge_words(transaction: Transaction) -> str:
    if transaction.method_name == "credit_card":
        return _status_words(transaction)
    return transaction.denial or METHODS[transaction.method_name].message


def _status_words(transaction: Transaction) -> str:
    if transaction.method_name != "credit_card":
        return FOUND
    if transaction.status is Status.CAPTURE and transaction.authorized_amount is not None:
        return "Success, Credit Card capture transaction is successful"
    return CARD_MESSAGES.get(transaction.status, transaction.denial or FOUND)
