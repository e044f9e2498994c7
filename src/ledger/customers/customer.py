"""A customer: state and decider. What is sealed goes through here unread."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from ledger.clock import business_date
from ledger.customers import erasure as er
from ledger.customers import events as e
from ledger.decider import Decider
from ledger.errors import Conflict, NotFound, Rejected
from ledger.events import DomainEvent
from ledger.payments.methods import method
from ledger.payments.saved_methods import MethodNotAttached
from ledger.privacy.erased import SubjectErased
from ledger.privacy.sealed import Sealed

STREAM: Final = "customer-"  # and the customer's id
CUSTOMER_ID: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
MASKED_CARD: Final = r"\d{6}(?:\d{2})?-\d{4}"
MONTH: Final = r"20\d{2}-(?:0[1-9]|1[0-2])"
MOST_METHODS: Final = 20


class CustomerIdMalformed(Rejected):
    code = "customer_id_malformed"
    title = (
        "A customer id is 1 to 64 letters, digits, hyphens or underscores, first a letter or digit."
    )


class CustomerNotFound(NotFound):
    code = "customer_not_found"
    title = "There is no customer under this id."


class CustomerExists(Conflict):
    code = "customer_exists"
    title = "This customer id is taken."


class CustomerChangedSince(Conflict):
    code = "customer_changed_since"
    title = "The customer was changed by another request at the same moment."


class MethodMaskMalformed(Rejected):
    code = "payment_method_mask_malformed"
    title = "A card's mask is its first 6 or 8 and last 4 digits, as 48111111-1114."


class MethodExpired(Rejected):
    code = "payment_method_expired"
    title = "A card needs its last month, as 2028-12, and one that is over cannot be attached."


class MethodExists(Conflict):
    code = "payment_method_exists"
    title = "This payment method is attached already."


class TooManyMethods(Conflict):
    code = "too_many_payment_methods"
    title = "The customer has as many payment methods as can be kept; detach one first."


class SavedPaymentMethod(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    attached: e.PaymentMethodAttached
    detached_at: datetime | None = None

    @property
    def method_id(self) -> str:
        return self.attached.method_id


class Customer(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    customer_id: str = ""  # empty until registered
    language: e.Language = "id"
    sealed: dict[e.Field, Sealed] = {}
    methods: tuple[SavedPaymentMethod, ...] = ()  # in the order they came, detached ones too
    preferred: str = ""
    registered_at: datetime | None = None
    updated_at: datetime | None = None
    erasure: er.Erasure = er.Erasure()

    @property
    def erased_at(self) -> datetime | None:
        """From when on nothing that names them can be read."""
        return self.erasure.approved.occurred_at if self.erasure.approved else None

    @property
    def attached(self) -> tuple[SavedPaymentMethod, ...]:
        return tuple(each for each in self.methods if each.detached_at is None)

    def check_present(self) -> None:
        """Raises SubjectErased."""
        if self.erased_at:
            raise SubjectErased()

    def method(self, method_id: str) -> SavedPaymentMethod:
        """One that may be charged; raises MethodNotAttached."""
        for each in self.attached:
            if each.method_id == method_id:
                return each
        raise MethodNotAttached()


class RegisterCustomer(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    customer_id: str
    language: e.Language
    sealed: dict[e.Field, Sealed] = {}


class ChangeCustomer(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`changed` holds only what is other than in `seen`; None takes a field away."""

    now: datetime
    language: e.Language
    changed: dict[e.Field, Sealed | None] = {}
    seen: dict[e.Field, Sealed]


class AttachMethod(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    method_id: str
    kind: e.Kind
    token: Sealed
    masked: str = ""
    expires_on: str = ""


class DetachMethod(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    method_id: str
    reason: str = ""


class PreferMethod(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    method: str


Command = (
    RegisterCustomer | ChangeCustomer | AttachMethod | DetachMethod | PreferMethod | er.Command
)


def check_customer_id(customer_id: str) -> str:
    if not re.fullmatch(CUSTOMER_ID, customer_id):
        raise CustomerIdMalformed()
    return customer_id


def decide(customer: Customer, command: Command) -> Sequence[e.CustomerEvent]:
    """Raises SubjectErased for whatever would be new of somebody who was erased."""
    if not isinstance(command, er.AFTERWARDS):
        customer.check_present()
    if rule := er.RULES.get(type(command)):
        return rule(customer.erasure, command)
    if not customer.customer_id and not isinstance(command, RegisterCustomer):
        raise CustomerNotFound()
    return RULES[type(command)](customer, command)


def register(customer: Customer, command: RegisterCustomer) -> Sequence[e.CustomerEvent]:
    if customer.customer_id:
        raise CustomerExists()
    return [
        e.CustomerRegistered(
            occurred_at=command.now,
            customer_id=check_customer_id(command.customer_id),
            language=command.language,
            **command.sealed,
        )
    ]


def change(customer: Customer, command: ChangeCustomer) -> Sequence[e.CustomerEvent]:
    """A seal is never made twice, so the same seals are the same data."""
    if customer.sealed != command.seen:
        raise CustomerChangedSince()
    language = command.language if command.language != customer.language else None
    if not command.changed and language is None:
        return []
    return [e.CustomerChanged(occurred_at=command.now, changed=command.changed, language=language)]


def attach(customer: Customer, command: AttachMethod) -> Sequence[e.CustomerEvent]:
    if any(each.method_id == command.method_id for each in customer.methods):
        raise MethodExists()
    if len(customer.attached) >= MOST_METHODS:
        raise TooManyMethods(most=MOST_METHODS)
    if command.kind == "card":
        _check_card(command)
    return [
        e.PaymentMethodAttached(
            occurred_at=command.now,
            method_id=command.method_id,
            kind=command.kind,
            token=command.token,
            masked=command.masked,
            expires_on=command.expires_on,
        )
    ]


def detach(customer: Customer, command: DetachMethod) -> Sequence[e.CustomerEvent]:
    """Twice is once."""
    if command.method_id not in {each.method_id for each in customer.methods}:
        raise MethodNotAttached()
    if command.method_id not in {each.method_id for each in customer.attached}:
        return []
    return [
        e.PaymentMethodDetached(
            occurred_at=command.now, method_id=command.method_id, reason=command.reason
        )
    ]


def prefer(customer: Customer, command: PreferMethod) -> Sequence[e.CustomerEvent]:
    """Raises MethodNotAttached, or MethodUnknown when the catalogue has no such method either."""
    if is_saved(command.method):
        customer.method(command.method)
    else:
        method(command.method)
    if command.method == customer.preferred:
        return []
    return [e.PreferredMethodChosen(occurred_at=command.now, method=command.method)]


def is_saved(method_id: str) -> bool:
    """By its form; no method of the catalogue begins so."""
    return method_id.startswith("pm_")


def _check_card(command: AttachMethod) -> None:
    if not re.fullmatch(MASKED_CARD, command.masked):
        raise MethodMaskMalformed()
    this_month = business_date(command.now).strftime("%Y-%m")
    if not re.fullmatch(MONTH, command.expires_on) or command.expires_on < this_month:
        raise MethodExpired()


def evolve(customer: Customer, event: DomainEvent) -> Customer:
    if not isinstance(event, e.CustomerEvent):
        return customer
    changes: Mapping[str, Any] = EVOLVES[type(event)](customer, event)
    return msgspec.structs.replace(customer, **{"updated_at": event.occurred_at, **changes})


def _registered(_: Customer, event: e.CustomerRegistered) -> dict[str, Any]:
    fields: tuple[e.Field, ...] = ("name", "email", "phone", "npwp", "address")
    sealed = {field: value for field in fields if (value := getattr(event, field)) is not None}
    return {
        "customer_id": event.customer_id,
        "language": event.language,
        "sealed": sealed,
        "registered_at": event.occurred_at,
    }


def _changed(customer: Customer, event: e.CustomerChanged) -> dict[str, Any]:
    now = {**customer.sealed, **event.changed}
    return {
        "sealed": {field: value for field, value in now.items() if value is not None},
        "language": event.language or customer.language,
    }


def _attached(customer: Customer, event: e.PaymentMethodAttached) -> dict[str, Any]:
    return {"methods": (*customer.methods, SavedPaymentMethod(attached=event))}


def _detached(customer: Customer, event: e.PaymentMethodDetached) -> dict[str, Any]:
    methods = tuple(
        msgspec.structs.replace(each, detached_at=event.occurred_at)
        if each.method_id == event.method_id
        else each
        for each in customer.methods
    )
    was_preferred = customer.preferred == event.method_id
    return {"methods": methods, "preferred": "" if was_preferred else customer.preferred}


def _preferred(_: Customer, event: e.PreferredMethodChosen) -> dict[str, Any]:
    return {"preferred": event.method}


def _about_erasure(customer: Customer, event: e.CustomerEvent) -> dict[str, Any]:
    """What was sealed stays, unreadable, so that a reader can say that something was erased."""
    erasure = er.evolve(customer.erasure, event)
    if isinstance(event, e.ErasureApproved):
        return {"erasure": erasure, "methods": (), "preferred": ""}
    return {"erasure": erasure, "updated_at": customer.updated_at}


RULES: Final[dict[type, Callable[[Customer, Any], Sequence[e.CustomerEvent]]]] = {
    RegisterCustomer: register,
    ChangeCustomer: change,
    AttachMethod: attach,
    DetachMethod: detach,
    PreferMethod: prefer,
}
EVOLVES: Final[dict[type[DomainEvent], Callable[[Customer, Any], dict[str, Any]]]] = {
    e.CustomerRegistered: _registered,
    e.CustomerChanged: _changed,
    e.PaymentMethodAttached: _attached,
    e.PaymentMethodDetached: _detached,
    e.PreferredMethodChosen: _preferred,
    **dict.fromkeys(er.PARTS, _about_erasure),
}
CUSTOMER: Final[Decider[Customer, Command]] = Decider(Customer(), decide, evolve)
