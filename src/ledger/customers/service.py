"""Customers in the log, their data sealed before it gets there. The only file of this area that does
I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ledger import clock
from ledger.clock import Clock
from ledger.customers import customer as c
from ledger.customers.customer import CUSTOMER, STREAM, Customer, CustomerNotFound
from ledger.customers.details import FIELDS, Details, checked
from ledger.customers.events import Field, Kind, Language
from ledger.eventstore.key_ring import KeyRing
from ledger.eventstore.store import Context, EventStore, Executed
from ledger.identity import derived_id, new_id
from ledger.payments.saved_methods import MethodNotAttached, SavedMethod
from ledger.privacy.sealed import Sealed
from ledger.providers.port import Payer

CUSTOMER_PREFIX: Final = "cus"


class Token(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is sealed of a payment method."""

    token: str
    account_id: str = ""

    def __repr__(self) -> str:
        return "Token(***)"


def stream_of(customer_id: str) -> str:
    return f"{STREAM}{c.check_customer_id(customer_id)}"


@dataclass(frozen=True, kw_only=True)
class CustomerService:
    store: EventStore
    key_ring: KeyRing
    now: Clock = clock.now

    async def register(
        self, customer_id: str, details: Details, language: Language, context: Context
    ) -> Executed[Customer]:
        """Without an id, one is made. Raises CustomerDetailsRefused, CustomerExists, SubjectErased."""
        known = customer_id or new_id(CUSTOMER_PREFIX)
        stream, said = stream_of(known), _said(checked(details))
        command = c.RegisterCustomer(
            now=self.now(),
            customer_id=known,
            language=language,
            sealed={field: await self._seal(known, field, text) for field, text in said.items()},
        )
        return await self.store.execute(CUSTOMER, stream, command, context, is_new=not customer_id)

    async def change(
        self, customer_id: str, details: Details, language: Language, context: Context
    ) -> Executed[Customer]:
        """To just these details. Raises CustomerChangedSince when another was faster."""
        said = _said(checked(details))
        customer = await self.get(customer_id)
        was = _said(await self.details(customer))
        changed: dict[Field, Sealed | None] = {
            field: await self._seal(customer_id, field, said[field]) if field in said else None
            for field in FIELDS
            if said.get(field) != was.get(field)
        }
        command = c.ChangeCustomer(
            now=self.now(), language=language, changed=changed, seen=customer.sealed
        )
        return await self._execute(customer_id, command, context)

    async def attach(
        self,
        customer_id: str,
        kind: Kind,
        token: Token,
        context: Context,
        *,
        masked: str = "",
        expires_on: str = "",
    ) -> tuple[str, Executed[Customer]]:
        """And the id of the method: the same for the same command."""
        await self.get(customer_id)
        method_id = f"pm_{derived_id(context.command_id)[:26]}"
        text = msgspec.json.encode(token).decode()
        command = c.AttachMethod(
            now=self.now(),
            method_id=method_id,
            kind=kind,
            token=await self._seal(customer_id, _token_field(method_id), text),
            masked=masked,
            expires_on=expires_on,
        )
        return method_id, await self._execute(customer_id, command, context)

    async def detach(
        self, customer_id: str, method_id: str, reason: str, context: Context
    ) -> Executed[Customer]:
        command = c.DetachMethod(now=self.now(), method_id=method_id, reason=reason)
        return await self._execute(customer_id, command, context)

    async def prefer(self, customer_id: str, method: str, context: Context) -> Executed[Customer]:
        command = c.PreferMethod(now=self.now(), method=method)
        return await self._execute(customer_id, command, context)

    async def get(self, customer_id: str) -> Customer:
        """Raises CustomerNotFound."""
        customer = (await self.store.load(CUSTOMER, stream_of(customer_id))).state
        if not customer.customer_id:
            raise CustomerNotFound()
        return customer

    async def details(self, customer: Customer) -> Details:
        """In clear; what was erased is empty."""
        opened = {
            field: await self._open(customer.customer_id, field, sealed)
            for field, sealed in customer.sealed.items()
        }
        return Details(**{field: text for field, text in opened.items() if text})

    async def known(self, customer_id: str) -> tuple[str, ...]:
        """Which of a payer's fields are known. Raises CustomerNotFound."""
        sealed = (await self.get(customer_id)).sealed
        return tuple(field for field in Payer.__struct_fields__ if field in sealed)

    async def payer(self, customer_id: str) -> Payer:
        """Raises CustomerNotFound."""
        return _payer(await self.details(await self.get(customer_id)))

    async def saved(self, customer_id: str, method_id: str) -> SavedMethod:
        """Opened, to be charged. Raises CustomerNotFound or MethodNotAttached."""
        customer = await self.get(customer_id)
        attached = customer.method(method_id).attached
        text = await self._open(customer_id, _token_field(method_id), attached.token)
        if text is None:
            raise MethodNotAttached("The customer's data was erased, and the token with it.")
        token = msgspec.json.decode(text, type=Token)
        return SavedMethod(
            kind=attached.kind,
            token=token.token,
            account_id=token.account_id,
            payer=_payer(await self.details(customer)),
        )

    async def _seal(self, customer_id: str, field: str, text: str) -> Sealed:
        return await self.key_ring.seal(customer_id, field, text, stream=stream_of(customer_id))

    async def _open(self, customer_id: str, field: str, sealed: Sealed) -> str | None:
        return await self.key_ring.open(sealed, field, stream=stream_of(customer_id))

    async def _execute(
        self, customer_id: str, command: c.Command, context: Context
    ) -> Executed[Customer]:
        return await self.store.execute(CUSTOMER, stream_of(customer_id), command, context)


def _said(details: Details) -> Mapping[Field, str]:
    said = msgspec.structs.asdict(details)
    return {field: said[field] for field in FIELDS if said[field]}


def _payer(details: Details) -> Payer:
    return Payer(name=details.name, email=details.email, phone=details.phone)


def _token_field(method_id: str) -> str:
    """Each token opens only as what it was attached as."""
    return f"token {method_id}"
