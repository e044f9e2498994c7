"""Whether a method can take this request at all: amount, token, payer's details, capture."""

from ledger.errors import Rejected
from ledger.payments.events import PaymentRequested
from ledger.payments.methods import Method, check_amount
from ledger.payments.saved_methods import CHARGED_BY


class CardTokenMissing(Rejected):
    code = "card_token_missing"
    title = "A card payment needs the one-time token that the payer's browser got from the gateway."


class CaptureLaterUnsupported(Rejected):
    code = "capture_later_unsupported"
    title = "This method cannot be authorised first and captured later."


class SavedMethodMisused(Rejected):
    code = "saved_method_misused"
    title = "A saved method is charged for its own customer, as what it is, with no other token."


class PayerFieldMissing(Rejected):
    code = "payer_field_missing"
    title = "This method needs more about the payer."


def check_fits(chosen: Method, request: PaymentRequested) -> None:
    """Raises when the request lacks what the method cannot do without."""
    check_amount(chosen, request.amount)
    by_saved = request.saved_method and chosen.code == request.requested_method
    if chosen.family == "card" and request.card_token is None and not by_saved:
        raise CardTokenMissing(method=chosen.code)
    if request.capture == "later" and not chosen.capture_later:
        raise CaptureLaterUnsupported(method=chosen.code)
    missing = [name for name in chosen.payer_needed if name not in request.payer_known]
    if missing:
        raise PayerFieldMissing(method=chosen.code, missing=missing)


def check_saved(request: PaymentRequested) -> None:
    """Raises SavedMethodMisused."""
    if not request.saved_method:
        return
    methods = [*CHARGED_BY.values()]
    if not request.customer_id or request.card_token or request.requested_method not in methods:
        raise SavedMethodMisused(methods=methods)
