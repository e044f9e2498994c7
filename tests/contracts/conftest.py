"""The adapter, and the simulator as another process that shares no code with it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.port import (
    Provider,
)
from support.running import simulated
from support.sdk import core, dashboard, sandbox, snap
from support.simulated_gateway import (
    SERVER_KEY,
    SimulatedGateway,
    simulated_gateway,
)

__all__ = ["core", "dashboard", "sandbox", "simulated", "snap"]

SHOP = "https://shop.example/done"


@pytest.fixture(scope="session")
def gateway() -> Iterator[SimulatedGateway]:
    with simulated_gateway() as running:
        yield running


@pytest.fixture
async def midtrans(gateway: SimulatedGateway) -> AsyncIterator[Provider]:
    adapter = Midtrans(
        server_key=SERVER_KEY, core_url=gateway.url, snap_url=gateway.url, shop_url=SHOP
    )
    yield adapter
    await adapter.close()


@pytest.fixture
async def hasty(gateway: SimulatedGateway) -> AsyncIterator[Provider]:
    """With deadlines short enough to wait for."""
    limits = {"charge_seconds": 1.0, "inquiry_seconds": 1.0}
    adapter = Midtrans(server_key=SERVER_KEY, core_url=gateway.url, snap_url=gateway.url, **limits)
    yield adapter
    await adapter.close()
