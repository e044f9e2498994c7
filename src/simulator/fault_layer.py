"""What every request of a merchant passes first: it is written down, and may meet a fault."""

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.fault_rules import Strike
from simulator.faults import FAULTS, Caught, replay, transport_of, unavailable
from simulator.gateway import Gateway
from simulator.request_log import Entry
from simulator.sight import Sight, id_of, json_object, kind_of

MERCHANT_PATHS: Final = ("/v1/", "/v2/", "/snap/v1/")
OUTAGE: Final = "outage"


@dataclass(slots=True)
class Heard:
    """Notes what the merchant was told, unless nobody listened any more."""

    send: Send
    entry: Entry
    transport: asyncio.Transport | None

    async def __call__(self, message: Message) -> None:
        gone = self.transport is not None and self.transport.is_closing()
        if message["type"] == "http.response.start" and not gone:
            self.entry.http_status = message["status"]
        await self.send(message)


class FaultLayer:
    """ASGI middleware around everything a merchant can call."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app, self._gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(MERCHANT_PATHS):
            await self._app(scope, receive, send)
            return
        body = await read_all(receive)
        if body is not None:
            await self._meet(scope, body, receive, send)

    async def _meet(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        sight = self._see(scope, body)
        entry = self._enter(scope, sight)
        heard = Heard(send, entry, transport_of(scope))
        key = self._gateway.config.server_key
        faults = self._gateway.faults
        strike = Strike(OUTAGE, 0) if faults.outage else faults.strike(sight)
        if strike is None:
            await self._app(scope, replay(body, receive), heard)
            return
        entry.fault = strike.fault
        act = unavailable if strike.fault == OUTAGE else FAULTS[strike.fault].act
        await act(Caught(self._app, scope, body, receive, heard, strike.seconds, key))

    def _see(self, scope: Scope, body: bytes) -> Sight:
        method, path, sent = scope["method"], scope["path"], json_object(body)
        order_id, kind = self._order_id(id_of(path, sent)), kind_of(path)
        nth = self._gateway.book.requests.nth(order_id, method, kind)
        return Sight(method, path, kind, order_id, nth, sent)

    def _order_id(self, named: str) -> str:
        """Ids that we gave are different in each run; the order's is the merchant's own."""
        found = self._gateway.book.find(named) or self._gateway.sessions.find(named)
        return found.order_id if found else named

    def _enter(self, scope: Scope, sight: Sight) -> Entry:
        keys = [value for name, value in scope["headers"] if name == b"idempotency-key"]
        entry = self._gateway.book.requests.add(
            self._gateway.clock.now(),
            method=sight.method,
            path=sight.path,
            order_id=sight.order_id,
            key=keys[0].decode("latin-1") if keys else None,
        )
        scope.setdefault("state", {})["entry"] = entry
        return entry


async def read_all(receive: Receive) -> bytes | None:
    """None when the merchant hung up in the middle."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)
