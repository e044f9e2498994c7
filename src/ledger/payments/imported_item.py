"""One line of an import: what a caller says of a payment that another system took."""

import hashlib
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec.structs import force_setattr

from ledger.eventstore.store import Context, Work
from ledger.identity import derived_id, derived_payment_id
from ledger.money import Money
from ledger.payments.commands import ImportPayment, PaymentCommand
from ledger.payments.events import Fee, Sale

_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


class ImportedItem(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Without `fee` the catalogue's is taken. `order_id` and `transaction_id` are the gateway's."""

    reference: str
    amount: Money
    method: str
    settled_at: datetime
    sale: Sale = Sale()
    taxed: bool = True
    fee: Fee | None = None
    order_id: str = ""
    transaction_id: str = ""
    subscription_id: str = ""
    customer_id: str = ""
    metadata: dict[str, str] = {}

    def __post_init__(self) -> None:
        """The same moment is the same item, with whatever offset it was written; without one it is
        no moment (ValueError), and must not come as far as its neighbours.
        """
        if self.settled_at.tzinfo is None:
            raise ValueError("settled_at has no offset from UTC.")
        force_setattr(self, "settled_at", self.settled_at.astimezone(UTC))

    def work(
        self, now: datetime, account: str, actor: str, correlation_id: str
    ) -> Work[PaymentCommand]:
        payment_id = derived_payment_id(self.settled_at, "import", account, self.reference)
        context = Context(
            command_id=derived_id("import", account, self.reference),
            actor=actor,
            correlation_id=correlation_id,
            fingerprint=hashlib.sha256(_ENCODE(self)).digest(),
        )
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        command: PaymentCommand = ImportPayment(now=now, payment_id=payment_id, **said)
        return Work(payment_id, command, context)
