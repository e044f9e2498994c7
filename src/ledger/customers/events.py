"""What can happen to a customer. Nothing here can be read without the customer's key but what names
nobody.
"""

from typing import Literal

from ledger.events import DomainEvent
from ledger.privacy.sealed import Sealed

Language = Literal["id", "en"]
Field = Literal["name", "email", "phone", "npwp", "address"]
Kind = Literal["card", "gopay"]


class CustomerRegistered(DomainEvent, topic="customer.registered.v1"):
    customer_id: str
    language: Language
    name: Sealed | None = None
    email: Sealed | None = None
    phone: Sealed | None = None
    npwp: Sealed | None = None
    address: Sealed | None = None


class CustomerChanged(DomainEvent, topic="customer.changed.v1"):
    """Of `changed`, None takes a field away; what is not named stays as it is."""

    changed: dict[Field, Sealed | None] = {}
    language: Language | None = None


class PaymentMethodAttached(DomainEvent, topic="customer.payment_method_attached.v1"):
    method_id: str
    kind: Kind
    token: Sealed  # JSON of what the gateway wants to see
    masked: str = ""  # as 48111111-1114
    expires_on: str = ""  # the last month of a card, as 2028-12


class PaymentMethodDetached(DomainEvent, topic="customer.payment_method_detached.v1"):
    """It is not charged any more."""

    method_id: str
    reason: str = ""


class PreferredMethodChosen(DomainEvent, topic="customer.preferred_method_chosen.v1"):
    method: str  # id of a saved method, or a method of the catalogue


CustomerEvent = (
    CustomerRegistered
    | CustomerChanged
    | PaymentMethodAttached
    | PaymentMethodDetached
    | PreferredMethodChosen
)
