"""Misbehaving on request: the fault table, and the layer that applies it to merchants' requests."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.signature import sign
from simulator.wire import NOT_FOUND, SERVER_ERROR, Json, Refusal, answer, rupiah

if TYPE_CHECKING:
    from simulator.gateway import Gateway

MERCHANT_PATHS: Final = ("/v2/", "/snap/v1/")
EXTRA_RUPIAH: Final = 1_000  # by how much a lying answer is off
NO_LINGER: Final = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye


@dataclass(frozen=True, slots=True)
class Hint:
    """What a fault whispers to the handler, which then does it for real."""

    deny: bool = False
    delay_seconds: float = 0.0


@dataclass(slots=True)
class Trap:
    """Set for requests to come: whom it concerns, what it does, and how many more times."""

    fault: str
    path_contains: str
    order_id_prefix: str
    times: int
    seconds: float

    def concerns(self, method: str, path: str, order_id: str) -> bool:
        only = FAULTS[self.fault].only
        return (
            self.times > 0
            and only in ("", method)
            and self.path_contains in path
            and order_id.startswith(self.order_id_prefix)
        )


class Faults:
    def __init__(self) -> None:
        self.outage = False
        self.traps: list[Trap] = []

    def take(self, method: str, path: str, order_id: str) -> Trap | None:
        """The oldest trap that concerns this request, used up by one."""
        for trap in self.traps:
            if trap.concerns(method, path, order_id):
                trap.times -= 1
                self.traps = [one for one in self.traps if one.times > 0]
                return trap
        return None


@dataclass(slots=True)
class Caught:
    """One request in the hands of a fault."""

    app: ASGIApp
    scope: Scope
    body: bytes
    receive: Receive
    send: Send
    seconds: float
    server_key: str

    async def do(self) -> tuple[int, bytes]:
        """Lets the request really happen, and keeps the answer from the merchant."""
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self.app(self.scope, replay(self.body, self.receive), keep)
        return kept[0]["status"], b"".join(part.get("body", b"") for part in kept[1:])

    async def go_on(self, hint: Hint) -> None:
        self.scope.setdefault("state", {})["hint"] = hint
        await self.app(self.scope, replay(self.body, self.receive), self.send)

    async def say(self, response: Response) -> None:
        await response(self.scope, self.receive, self.send)

    async def reset(self) -> None:
        """Cuts the connection without a word; waits until the server has noticed."""
        transport = self.scope.get("state", {}).get("transport")
        if transport is None:
            raise ConnectionResetError("reset on request")
        if not transport.is_closing():  # else the merchant hung up first
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            transport.abort()
        while (await self.receive())["type"] != "http.disconnect":
            pass


def unavailable() -> Response:
    return answer({"status_code": "503", "status_message": "Service is unavailable."})


def server_error() -> Response:
    return answer(Refusal(*SERVER_ERROR).body)


def rate_limited() -> Response:
    return Json({"message": "API rate limit exceeded"}, 429)  # midtrans.md 1.6


def bad_gateway() -> Response:
    return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)


def no_number() -> Response:
    return answer(Refusal("505", "VA number could not be created, please try again.").body)


def not_found() -> Response:
    return answer(Refusal(*NOT_FOUND).body)


def instead(respond: Callable[[], Response]) -> Callable[[Caught], Awaitable[None]]:
    """Nothing happens; the merchant hears this."""

    async def act(caught: Caught) -> None:
        await caught.say(respond())

    return act


async def do_then_500(caught: Caught) -> None:
    await caught.do()
    await caught.say(server_error())


async def do_then_reset(caught: Caught) -> None:
    await caught.do()
    await caught.reset()


async def do_then_hang(caught: Caught) -> None:
    await caught.do()
    await asyncio.sleep(caught.seconds)
    await caught.reset()


async def reset_before(caught: Caught) -> None:
    await caught.reset()


async def hang(caught: Caught) -> None:
    await asyncio.sleep(caught.seconds)
    await caught.reset()


async def do_late(caught: Caught) -> None:
    await caught.go_on(Hint(delay_seconds=caught.seconds))


async def deny(caught: Caught) -> None:
    await caught.go_on(Hint(deny=True))


async def wrong_amount(caught: Caught) -> None:
    """Done rightly, told wrongly: another amount, properly signed."""
    status, raw = await caught.do()
    body = _json_object(raw)
    if "gross_amount" in body:
        body["gross_amount"] = rupiah(int(body["gross_amount"].split(".")[0]) + EXTRA_RUPIAH)
    if "signature_key" in body:
        signed = (body["order_id"], body["status_code"], body["gross_amount"])
        body["signature_key"] = sign(*signed, caught.server_key)
    await caught.say(Json(body, status))


class Fault(NamedTuple):
    act: Callable[[Caught], Awaitable[None]]
    only: str = ""  # the HTTP method it makes sense for; empty means any


FAULTS: Final = {
    # nothing was done, and the merchant is told something
    "refuse_503": Fault(instead(unavailable)),
    "error_500_without_doing": Fault(instead(server_error)),
    "rate_limit_429": Fault(instead(rate_limited)),
    "html_502": Fault(instead(bad_gateway)),
    "va_505": Fault(instead(no_number), "POST"),
    "not_found_then_found": Fault(instead(not_found), "GET"),
    # nothing was done, and the merchant is told nothing
    "reset_before": Fault(reset_before),
    "hang": Fault(hang),
    # it was done, and the merchant is told nothing, or an untruth
    "do_then_500": Fault(do_then_500),
    "do_then_reset": Fault(do_then_reset),
    "do_then_hang": Fault(do_then_hang),
    "do_late": Fault(do_late),
    "wrong_amount": Fault(wrong_amount),
    # the provider behind Midtrans refuses
    "deny": Fault(deny, "POST"),
}


class FaultLayer:
    """ASGI middleware around everything a merchant can call."""

    def __init__(self, app: ASGIApp, gateway: "Gateway") -> None:
        self._app, self._gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        faults = self._gateway.faults
        if scope["type"] != "http" or not scope["path"].startswith(MERCHANT_PATHS):
            await self._app(scope, receive, send)
        elif faults.outage:
            await unavailable()(scope, receive, send)
        elif faults.traps:
            await self._misbehave(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _misbehave(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_all(receive)
        order_id = self._order_id(scope["path"], body)
        taken = self._gateway.faults.take(scope["method"], scope["path"], order_id)
        if taken is None:
            await self._app(scope, replay(body, receive), send)
            return
        key = self._gateway.config.server_key
        caught = Caught(self._app, scope, body, receive, send, taken.seconds, key)
        await FAULTS[taken.fault].act(caught)

    def _order_id(self, path: str, body: bytes) -> str:
        """From the body of a charge, else through the id in the path or in the body."""
        sent = _json_object(body)
        details = sent.get("transaction_details")
        if isinstance(details, dict):
            return str(details.get("order_id", ""))
        either_id = str(sent.get("transaction_id") or [*path.split("/"), "", ""][2])
        known = self._gateway.book.find(either_id)
        return known.order_id if known else either_id


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        sent = json.loads(body or b"{}")
    except ValueError:
        return {}
    return sent if isinstance(sent, dict) else {}


async def read_all(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever the connection still says."""
    left = [body]

    async def again() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return again
