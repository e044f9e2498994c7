"""What can happen to a customer. Nothing here can be read without the customer's key but what names
nobody.
"""

from datetime import date
from typing import Literal

from ledger.events import DomainEvent
from ledger.privacy.sealed import Sealed

Language = Literal["id", "en"]
Field = Literal["name", "email", "phone", "npwp", "address"]
Kind = Literal["card", "gopay"]
Why = Literal["asked_by_person", "consent_withdrawn", "purpose_ended", "unlawful", "other"]
Basis = Literal["tax_audit", "dispute", "court_order", "money_laundering", "other"]


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


class ErasureRequested(DomainEvent, topic="customer.erasure_requested.v1"):
    """One person's wish to erase what names the customer; it counts once another has wished the same."""

    subjects: tuple[
        str, ...
    ]  # whose keys are to be destroyed: the customer, and payments of theirs
    reason: Why
    by: str


class ErasureApproved(DomainEvent, topic="customer.erasure_approved.v1"):
    """From here on nothing is kept for the customer any more; their keys are being destroyed.

    `reapplied`: it had been approved before, and a backup from before it was restored.
    """

    subjects: tuple[str, ...]
    reason: Why
    requested_by: str
    by: str
    reapplied: bool = False


class CustomerErased(DomainEvent, topic="customer.erased.v1"):
    """The certificate: nobody can read what names the customer. The seal is the newest one then, 0 if there
    was none.
    """

    subjects: tuple[str, ...]
    keys_destroyed: int  # all versions of the keys that they had
    purged: tuple[str, ...]  # stores beside the log that were gone through
    log_position: int  # that the log had reached: it is the same up to there
    seal: int
    seal_position: int


class ErasureHeld(DomainEvent, topic="customer.erasure_held.v1"):
    """The law or a court wants the customer's data kept, until a day or until it is lifted."""

    basis: Basis
    until: date | None  # the last day; None: until lifted
    by: str


class ErasureHoldLifted(DomainEvent, topic="customer.erasure_hold_lifted.v1"):
    by: str


class PersonalDataDisclosed(DomainEvent, topic="customer.personal_data_disclosed.v1"):
    """Somebody was given all that is kept of the customer, in clear."""

    by: str


CustomerEvent = (
    CustomerRegistered
    | CustomerChanged
    | PaymentMethodAttached
    | PaymentMethodDetached
    | PreferredMethodChosen
    | ErasureRequested
    | ErasureApproved
    | CustomerErased
    | ErasureHeld
    | ErasureHoldLifted
    | PersonalDataDisclosed
)
