"""A payment as the JSON that callers get, kept while the payment stays as it is: callers who wait for a
payment ask for it again and again.
"""

from collections import OrderedDict
from typing import Final

from api.views import PaymentView
from ledger.payments.payment import Payment

MOST: Final = 10_000


class PaymentTexts:
    """States are immutable: the same object has the same text."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Payment, bytes]] = OrderedDict()

    def of(self, payment: Payment) -> bytes:
        payment_id = payment.request.payment_id
        kept = self._kept.get(payment_id)
        if kept and kept[0] is payment:
            return kept[1]
        view = PaymentView.of(payment)
        text = view.model_dump_json(by_alias=True, exclude_none=True).encode()
        self._kept[payment_id] = payment, text
        self._kept.move_to_end(payment_id)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return text
