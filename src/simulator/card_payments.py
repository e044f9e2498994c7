"""Charging a card: 3-D Secure or not, capture or hold, and what the bank says (midtrans.md 4.2)."""

from typing import Final

from simulator import card_terms, cards, gopay_payments
from simulator.cards import Page, Vault, Verdict
from simulator.clock import wib
from simulator.gateway import Gateway
from simulator.orders import Order
from simulator.transactions import Fields, NotPossible, Status, Transaction
from simulator.views import shared
from simulator.wire import NOT_ALLOWED, NOT_FOUND, Invalid, Refusal

SLOW_SECONDS: Final = 60.0
DEFAULT_BANK: Final = "bni"
ONLY_3DS_1: Final = (
    "402",
    "Cards with 3DS version 1 or lower are not supported. Please use another card.",
)
CAPTURED: Final = "Success, Credit Card capture transaction is successful"
# The answer says deny, yet the transaction stays authorised (midtrans.md 6).
CAPTURE_REFUSED: Final = {
    "status_code": "202",
    "status_message": "Capture is denied by the bank",
    "transaction_status": "deny",
    "channel_response_code": "Z3",
    "channel_response_message": "Capture amount exceeds the authorized amount",
}


def charge(
    gateway: Gateway, order: Order, notify_urls: tuple[str, ...], *, deny: bool = False
) -> Transaction:
    """Decided at once, or pending behind a page when 3-D Secure is asked for and offered."""
    token_id = card_terms.token_of(order.options)
    number = gateway.vault.number(token_id)
    card_terms.require_listed(order.options, number)
    redeemed = card_terms.points_wanted(order, gateway.vault, number)
    instalment = card_terms.instalment_fields(order.options, number)
    page = cards.page(number) if order.options.get("authentication") is True else Page.NONE
    if page is Page.UNSUPPORTED:
        raise Refusal(*ONLY_3DS_1)
    gateway.vault.use_up(token_id)
    transaction = gateway.open(order, notify_urls)
    transaction.card_number = number
    transaction.points = redeemed
    transaction.detail |= _detail(transaction) | instalment
    if page is Page.NONE or deny:
        said = cards.verdict(number, order.amount, authenticated=False)
        _decide(gateway, transaction, cards.REFUSED if deny else said)
    else:
        path = f"/v2/token/rba/redirect/{cards.masked(number)}-{transaction.transaction_id}"
        transaction.once["redirect_url"] = gateway.config.public_url + path
        gateway.announce(transaction)
    return transaction


def open_page(gateway: Gateway, transaction: Transaction) -> Page:
    """The customer's browser arrives: some banks ask nothing, some take their time."""
    page = cards.page(transaction.card_number)
    if transaction.status is Status.PENDING and page is Page.FRICTIONLESS:
        _authenticated(gateway, transaction)
    elif transaction.status is Status.PENDING and page is Page.SLOW:
        gateway.agenda.after(SLOW_SECONDS, lambda: _authenticated(gateway, transaction))
    return page


def answer_page(gateway: Gateway, transaction: Transaction, otp: str) -> None:
    """The one-time password decides; a wrong one is a refusal."""
    if transaction.status is not Status.PENDING:
        raise NotPossible(f"This payment is {transaction.status} already.")
    if otp == cards.OTP:
        transaction.detail["challenge_completion"] = True
        _authenticated(gateway, transaction)
    else:
        _decide(gateway, transaction, cards.NOT_AUTHENTICATED)


def capture(gateway: Gateway, body: Fields, *, deny: bool) -> Fields:
    """POST /v2/capture: what was held, or less of it (midtrans.md 6)."""
    transaction = gateway.book.by_transaction_id(str(body.get("transaction_id")))
    if transaction is None:
        raise Refusal(*NOT_FOUND)
    if transaction.status is not Status.AUTHORIZE or gateway.is_released(transaction):
        raise Refusal(*NOT_ALLOWED)
    amount = body.get("gross_amount", transaction.gross_amount)
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 1:
        raise Invalid("gross_amount must be a whole number")
    merchant_id = gateway.config.merchant_id
    if transaction.method_name != "credit_card":
        said = gopay_payments.capture(gateway, transaction, amount)
        return said | shared(transaction, merchant_id)
    if deny or amount > transaction.gross_amount:
        return shared(transaction, merchant_id) | CAPTURE_REFUSED
    transaction.authorized_amount = transaction.gross_amount
    transaction.gross_amount = amount
    gateway.move(transaction, Status.CAPTURE)
    return {"status_code": "200", "status_message": CAPTURED} | shared(transaction, merchant_id)


# midtrans.md 6: what some acquirers refuse to cancel of a pre-authorisation, for charges that name
# them. BNI cancels it only after its capture, Mandiri only before.
UNCANCELLABLE: Final = {("bni", Status.AUTHORIZE), ("mandiri", Status.CAPTURE)}


def is_past_cancelling(transaction: Transaction) -> bool:
    held = transaction.options.get("type") == "authorize"
    return held and (str(transaction.options.get("bank")), transaction.status) in UNCANCELLABLE


def _authenticated(gateway: Gateway, transaction: Transaction) -> None:
    if transaction.status is Status.PENDING:
        amount = transaction.gross_amount
        _decide(
            gateway, transaction, cards.verdict(transaction.card_number, amount, authenticated=True)
        )


def _decide(gateway: Gateway, transaction: Transaction, verdict: Verdict) -> None:
    transaction.detail |= _outcome(gateway, transaction, verdict)
    transaction.denial = _denial(transaction, verdict)
    held = transaction.options.get("type") == "authorize" and verdict.status is Status.CAPTURE
    to = Status.AUTHORIZE if held else verdict.status
    gateway.move(transaction, to, fraud=verdict.fraud_status)


def _detail(transaction: Transaction) -> Fields:
    number = transaction.card_number
    return {
        "masked_card": cards.masked(number),
        "bank": transaction.options.get("bank") or DEFAULT_BANK,
        "card_type": "debit" if number == cards.DEBIT else "credit",
        "channel": transaction.options.get("channel") or "mti",
        "three_ds_version": "2",
    }


def _outcome(gateway: Gateway, transaction: Transaction, verdict: Verdict) -> Fields:
    mastercard = transaction.card_number[0] in "25"
    outcome: Fields = {
        "eci": "07" if verdict is cards.NOT_AUTHENTICATED else ("02" if mastercard else "05")
    }
    if verdict.code:
        outcome["channel_response_code"] = verdict.code
        outcome["channel_response_message"] = verdict.words
    if verdict.status is Status.CAPTURE:
        outcome["approval_code"] = str(int(gateway.clock.now().timestamp() * 1000))
        outcome |= _saved(gateway, transaction) | _redeemed(gateway.vault, transaction)
    return outcome


def _saved(gateway: Gateway, transaction: Transaction) -> Fields:
    if transaction.options.get("save_token_id") is not True:
        return {}
    saved = gateway.vault.save(transaction.card_number)
    return {
        "saved_token_id": saved,
        "saved_token_id_expired_at": wib(gateway.vault.saved_until(saved)),
    }


def _redeemed(vault: Vault, transaction: Transaction) -> Fields:
    vault.redeem(transaction.card_number, transaction.points)
    return card_terms.redeemed_fields(vault, transaction.card_number, transaction.points)


def _denial(transaction: Transaction, verdict: Verdict) -> str:
    if verdict.status is not Status.DENY:
        return ""
    if verdict.code is None:
        return verdict.words
    bank = str(transaction.detail["bank"]).upper()
    return f"Deny by Bank [{bank}] with code [{verdict.code}] and message [{verdict.words}]"
