"""Who listens is told of each answer that shows what the gateway holds, with its bytes, and of no other."""

import json

from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.port import Did, DidNot, Observation, Unknown
from support.charges import charge_order
from support.scripted_gateway import http, scripted_gateway

ORDER = charge_order("bca_va")
HELD = json.dumps(
    {
        "status_code": "200",
        "order_id": ORDER.order_id,
        "transaction_id": "t-1",
        "transaction_status": "settlement",
        "gross_amount": "150000.00",
    },
    indent=3,  # bytes are told as they came
).encode()
PAGE = b'{"token": "tok", "redirect_url": "https://pay.example/tok"}'


class Listened:
    """What was told, by an adapter whose gateway gives one answer."""

    def __init__(self, status: str, body: bytes) -> None:
        self._answer = http(status, body)
        self.told: list[tuple[Observation, bytes]] = []

    def __call__(self, seen: Observation, body: bytes, /) -> None:
        self.told.append((seen, body))

    async def to(self, method: str) -> Did | DidNot | Unknown:
        async with scripted_gateway(self._answer) as gateway:
            midtrans = Midtrans(
                server_key="k", core_url=gateway.url, snap_url=gateway.url, listener=self
            )
            if method == "inquire":
                outcome = await midtrans.inquire(ORDER.order_id)
            else:
                outcome = await midtrans.charge(charge_order(method, order_id=ORDER.order_id))
            await midtrans.close()
        return outcome


async def test_the_bytes_of_what_is_held_are_told():
    for method, body in (("inquire", HELD), ("bca_va", HELD), ("snap", PAGE)):
        listened = Listened("201 Created" if method == "snap" else "200 OK", body)

        outcome = await listened.to(method)

        assert isinstance(outcome, Did)
        assert listened.told == [(outcome.observation, body)]


async def test_a_refusal_or_nonsense_is_not():
    refused = b'{"status_code": "404", "status_message": "Transaction doesn\'t exist."}'
    for status, body in (("200 OK", refused), ("200 OK", b"{"), ("502 Bad Gateway", HELD)):
        listened = Listened(status, body)

        assert not isinstance(await listened.to("inquire"), Did)
        assert listened.told == []
