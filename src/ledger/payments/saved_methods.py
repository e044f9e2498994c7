"""The port through which a payment method that a customer has saved is opened, on its way to the
gateway.
"""

from typing import Final, Literal, Protocol

import msgspec

from ledger.errors import NotFound
from ledger.providers.port import Payer

Kind = Literal["card", "gopay"]

# By which method of the catalogue each is charged.
CHARGED_BY: Final[dict[Kind, str]] = {"card": "credit_card", "gopay": "gopay"}


class MethodNotAttached(NotFound):
    code = "payment_method_not_attached"
    title = "The customer has no such payment method, or has it no more."


class SavedMethod(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """In clear: only ever in memory and on the way to the gateway."""

    kind: Kind
    token: str
    account_id: str = ""  # of a linked wallet
    payer: Payer = Payer()

    def __repr__(self) -> str:
        return f"SavedMethod({self.kind}, ***)"


class SavedMethods(Protocol):
    async def saved(self, customer_id: str, method_id: str) -> SavedMethod:
        """Raises MethodNotAttached or CustomerNotFound."""
        ...

    async def payer(self, customer_id: str) -> Payer:
        """Who it is. Raises CustomerNotFound."""
        ...


class NothingSaved:
    """Where no customers are kept."""

    async def saved(self, customer_id: str, method_id: str) -> SavedMethod:
        raise MethodNotAttached()

    async def payer(self, customer_id: str) -> Payer:
        return Payer()


NOTHING_SAVED: Final = NothingSaved()
