"""What payments ask of read models."""

from typing import Protocol

from ledger.money import Money
from ledger.payments.commands import Health


class MethodHealth(Protocol):
    async def health(self) -> Health: ...


class GatewayBalance(Protocol):
    async def available(self, gateway: str) -> Money:
        """What the gateway holds for us, by our books."""
        ...
