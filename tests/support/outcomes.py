"""What a call of the gateway came to, for tests: the answer, the refusal, or why it is unknown."""

from ledger.providers.port import (
    ChargeOrder,
    Did,
    DidNot,
    Observation,
    Outcome,
    Provider,
    Unknown,
)
from support.charges import charge_order
from support.simulated_gateway import (
    SECURE_CARD,
    SimulatedGateway,
)


def seen(outcome: Outcome) -> Observation:
    assert isinstance(outcome, Did), outcome
    return outcome.observation


def refused(outcome: Outcome) -> DidNot:
    assert isinstance(outcome, DidNot), outcome
    return outcome


def unknown(outcome: Outcome) -> str:
    assert isinstance(outcome, Unknown), outcome
    return outcome.cause


def card(gateway: SimulatedGateway, number: str, **changes: object) -> ChargeOrder:
    return charge_order("credit_card", card_token=gateway.card_token(number), **changes)


async def paid(midtrans: Provider, gateway: SimulatedGateway, method: str = "gopay") -> ChargeOrder:
    order = charge_order(method)
    seen(await midtrans.charge(order))
    gateway.control("pay", order_id=order.order_id)
    return order


async def held(midtrans: Provider, gateway: SimulatedGateway) -> Observation:
    order = card(gateway, SECURE_CARD, capture_later=True)
    seen(await midtrans.charge(order))
    gateway.control("pay", order_id=order.order_id)
    return seen(await midtrans.inquire(order.order_id))
