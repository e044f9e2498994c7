"""A program of the product with one rule of it broken, for `faults.mutants` to be caught.

python -m faults.mutated NAME serve     as `python -m api.cli serve`, wrong in the way that NAME says
"""

import sys
from collections.abc import Callable
from random import randrange
from typing import Any, Final

from msgspec.structs import replace

from api import cli
from ledger.eventstore.store import Context, Executed
from ledger.identity import PAYMENT, new_id, order_id, payment_of
from ledger.payments import commands as c
from ledger.payments import orders
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.events import PaymentRequested
from ledger.payments.payment import Payment
from ledger.payments.service import PaymentService
from ledger.providers.breaker import Breaker
from ledger.providers.port import ChargeOrder, Outcome, Payer


def sends_before_it_stores() -> None:
    """The charge first, under an id made by this very try; then the log, if this process still lives."""
    stored, sent = PaymentService.request, Breaker.charge
    answers: dict[str, Outcome] = {}

    async def request(
        self: PaymentService,
        request: PaymentRequested,
        context: Context,
        *,
        payer: Payer,
        card_token: str,
        **more: Any,
    ) -> Executed[Payment]:
        request = replace(request, payment_id=new_id(PAYMENT))
        sealed = await orders.sealed(self.key_ring, request, payer, card_token)
        command = c.RequestPayment(
            now=request.occurred_at,
            request=sealed,
            country=more["country"],
            health={},
            sent_by=self.sent_by,
        )
        facts = BOOKED_PAYMENT.decide(BOOKED_PAYMENT.initial, command)
        order = await orders.order(self.key_ring, self.saved_methods, BOOKED_PAYMENT.fold(facts))
        answers[order.order_id] = await sent(self.provider, order)  # type: ignore[arg-type]
        return await stored(self, request, context, payer=payer, card_token=card_token, **more)

    async def charge(self: Breaker, order: ChargeOrder) -> Outcome:
        return answers.pop(order.order_id, None) or await sent(self, order)

    PaymentService.request = request  # type: ignore[method-assign, assignment]
    Breaker.charge = charge  # type: ignore[method-assign]


def sends_again_under_a_new_order_id() -> None:
    """Whatever the worker sends again goes out as an order of its own."""
    sent = Breaker.charge

    async def charge(self: Breaker, order: ChargeOrder) -> Outcome:
        payment_id, attempt = payment_of(order.order_id) or ("", 0)
        renamed = order_id(payment_id, 1_000 * attempt + randrange(1_000))
        return await sent(self, replace(order, order_id=renamed))

    if "work" in sys.argv:
        Breaker.charge = charge  # type: ignore[method-assign]


MUTATIONS: Final[dict[str, Callable[[], None]]] = {
    "sends-before-it-stores": sends_before_it_stores,
    "sends-again-under-a-new-order-id": sends_again_under_a_new_order_id,
}


if __name__ == "__main__":
    MUTATIONS[sys.argv.pop(1)]()
    cli.main()
