"""What names a person, sealed before it can reach the log, and opened again only on its way to the
gateway.
"""

import msgspec

from ledger.eventstore.key_ring import KeyRing
from ledger.payments.events import PaymentRequested
from ledger.payments.methods import METHODS
from ledger.payments.payment import Payment
from ledger.providers.port import ChargeOrder, Payer


async def sealed(
    key_ring: KeyRing, request: PaymentRequested, payer: Payer, card_token: str
) -> PaymentRequested:
    subject = request.customer_id or request.payment_id
    known = tuple(name for name, value in msgspec.structs.asdict(payer).items() if value)
    texts = {
        "payer": msgspec.json.encode(payer).decode() if known else "",
        "card_token": card_token,
    }
    sealed = {
        field: await key_ring.seal(subject, field, text) for field, text in texts.items() if text
    }
    return msgspec.structs.replace(request, payer_known=known, **sealed)


async def order(key_ring: KeyRing, payment: Payment) -> ChargeOrder:
    request, attempt = payment.request, payment.attempt
    payer = await key_ring.open(request.payer, "payer") if request.payer else None
    token = await key_ring.open(request.card_token, "card_token") if request.card_token else None
    return ChargeOrder(
        order_id=attempt.order_id,
        method=METHODS[attempt.method],
        amount=request.amount,
        capture_later=request.capture == "later",
        card_token=token or "",
        payer=msgspec.json.decode(payer, type=Payer) if payer else Payer(),
        expires_after_seconds=request.expires_after_seconds,
        product=request.sale.product,
    )
