"""What names a person, sealed before it can reach the log, and opened again only on its way to the
gateway.
"""

import msgspec

from ledger.eventstore.key_ring import KeyRing
from ledger.payments.eligibility import SavedMethodMisused, check_saved
from ledger.payments.events import PaymentRequested
from ledger.payments.methods import METHODS
from ledger.payments.payment import Payment
from ledger.payments.saved_methods import (
    CHARGED_BY,
    MethodNotAttached,
    SavedMethod,
    SavedMethods,
)
from ledger.providers.port import ChargeOrder, Payer


async def sealed(
    key_ring: KeyRing, request: PaymentRequested, payer: Payer, card_token: str
) -> PaymentRequested:
    """What is known of the payer without being told stays known."""
    subject = request.customer_id or request.payment_id
    known = fields_of(payer)
    texts = {
        "payer": msgspec.json.encode(payer).decode() if known else "",
        "card_token": card_token,
    }
    sealed = {
        field: await key_ring.seal(subject, field, text) for field, text in texts.items() if text
    }
    return msgspec.structs.replace(request, payer_known=known or request.payer_known, **sealed)


def fields_of(payer: Payer) -> tuple[str, ...]:
    return tuple(name for name, value in msgspec.structs.asdict(payer).items() if value)


async def with_owner(saved_methods: SavedMethods, request: PaymentRequested) -> PaymentRequested:
    """With what is known of the owner of a saved method. Raises MethodNotAttached, CustomerNotFound
    or SavedMethodMisused.
    """
    check_saved(request)
    if not request.saved_method:
        return request
    saved = await saved_methods.saved(request.customer_id, request.saved_method)
    if CHARGED_BY[saved.kind] != request.requested_method:
        raise SavedMethodMisused(methods=[CHARGED_BY[saved.kind]])
    return msgspec.structs.replace(request, payer_known=fields_of(saved.payer))


async def order(key_ring: KeyRing, saved_methods: SavedMethods, payment: Payment) -> ChargeOrder:
    """Raises MethodNotAttached or CustomerNotFound when what was to be charged is there no more."""
    request, attempt = payment.request, payment.attempt
    token = await _token(key_ring, request)
    saved = await _saved(saved_methods, payment)
    return ChargeOrder(
        order_id=attempt.order_id,
        method=METHODS[attempt.method],
        amount=request.amount,
        capture_later=request.capture == "later",
        card_token=token,
        payer=await _payer(key_ring, saved_methods, request, saved),
        expires_after_seconds=request.expires_after_seconds,
        product=request.sale.product,
        saved=saved.kind if saved else "",
        saved_token=saved.token if saved else "",
        account_id=saved.account_id if saved else "",
    )


async def _token(key_ring: KeyRing, request: PaymentRequested) -> str:
    if not request.card_token:
        return ""
    token = await key_ring.open(request.card_token, "card_token")
    if token is None:
        raise MethodNotAttached("The payer's data was erased, and the card's token with it.")
    return token


async def _saved(saved_methods: SavedMethods, payment: Payment) -> SavedMethod | None:
    """A fallback to another method is not charged with it."""
    request, attempt = payment.request, payment.attempt
    if not request.saved_method or attempt.method != request.requested_method:
        return None
    saved = await saved_methods.saved(request.customer_id, request.saved_method)
    if CHARGED_BY[saved.kind] != attempt.method:
        raise MethodNotAttached()
    return saved


async def _payer(
    key_ring: KeyRing,
    saved_methods: SavedMethods,
    request: PaymentRequested,
    saved: SavedMethod | None,
) -> Payer:
    """As told with the payment, else as the customer is known."""
    if request.payer:
        told = await key_ring.open(request.payer, "payer")
        return msgspec.json.decode(told, type=Payer) if told else Payer()
    if saved:
        return saved.payer
    known = request.payer_known and request.customer_id
    return await saved_methods.payer(request.customer_id) if known else Payer()
