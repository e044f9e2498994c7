"""Misbehaving on request: the table of faults, and what each of them does to a request."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.idempotency import IN_PROGRESS
from simulator.methods import METHODS
from simulator.orders import method_of
from simulator.sight import Sight, json_object
from simulator.signature import sign
from simulator.transactions import Fields
from simulator.wire import (
    DUPLICATE_ORDER,
    NOT_FOUND,
    SERVER_ERROR,
    Json,
    Refusal,
    answer,
    rupiah,
)

EXTRA_RUPIAH: Final = 1_000  # by how much a lying answer is off
HUGE_BYTES: Final = 200 * 1024 * 1024
CHUNK: Final = b"x" * 65_536
NO_LINGER: Final = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye


@dataclass(frozen=True, slots=True)
class Hint:
    """What a fault whispers to the handler, which then does it for real."""

    deny: bool = False
    delay_seconds: float = 0.0
    refund_denied_after_seconds: float | None = None
    reversed_after_seconds: float | None = None


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

    async def begin(self, status: int, *headers: tuple[bytes, bytes]) -> None:
        listed = [(b"content-type", b"application/json"), *headers]
        await self.send({"type": "http.response.start", "status": status, "headers": listed})

    async def go_on_saying(self, part: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": part, "more_body": more})

    async def gone_within(self, seconds: float) -> bool:
        """Whether the merchant hangs up before that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone()
                return True
        return False

    async def close(self, *, reset: bool) -> None:
        """Ends the connection without a word; waits until the server has noticed."""
        transport = self.transport
        if transport is None:
            raise ConnectionResetError("reset on request")
        if reset and not transport.is_closing():  # else the merchant hung up first
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            transport.abort()
        else:
            transport.close()
        await self._gone()

    @property
    def transport(self) -> asyncio.Transport | None:
        return transport_of(self.scope)

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


Act = Callable[[Caught], Awaitable[None]]


def transport_of(scope: Scope) -> asyncio.Transport | None:
    """The connection a request came over, when a real server serves it."""
    found: asyncio.Transport | None = scope.get("state", {}).get("transport")
    return found


# ── nothing happens, and the merchant hears something ──


def refusing(code: str, message: str) -> Act:
    """In the Core API's shape, or in Snap's (midtrans.md 1.8)."""

    async def act(caught: Caught) -> None:
        if caught.scope["path"].startswith("/snap/"):
            await caught.say(Json({"error_messages": [message]}, int(code)))
        else:
            await caught.say(answer(Refusal(code, message).body))

    return act


def saying(respond: Callable[[], Response]) -> Act:
    async def act(caught: Caught) -> None:
        await caught.say(respond())

    return act


def rate_limited() -> Response:
    return Json({"message": "API rate limit exceeded"}, 429)  # midtrans.md 1.6


def in_progress() -> Response:
    return Json(IN_PROGRESS, 202)


def bad_gateway() -> Response:
    return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)


unavailable: Final = refusing("503", "Service is unavailable.")
server_error: Final = refusing(*SERVER_ERROR)


# ── nothing happens, and the merchant hears nothing ──


async def refuse_before(caught: Caught) -> None:
    await caught.close(reset=False)


async def reset_before(caught: Caught) -> None:
    await caught.close(reset=True)


async def hang(caught: Caught) -> None:
    await caught.gone_within(caught.seconds)
    await caught.close(reset=True)


# ── it happens, and the merchant hears nothing, too late, too slowly, too much, or an untruth ──


async def do_then_500(caught: Caught) -> None:
    await caught.do()
    await server_error(caught)


async def do_then_reset(caught: Caught) -> None:
    await caught.do()
    await caught.close(reset=True)


async def do_then_hang(caught: Caught) -> None:
    await caught.do()
    await hang(caught)


async def do_late(caught: Caught) -> None:
    """Even when the merchant has hung up by then."""
    if caught.scope["path"].startswith("/v2/"):
        await caught.go_on(
            Hint(delay_seconds=caught.seconds)
        )  # so that its key is in use meanwhile
    else:
        await asyncio.sleep(caught.seconds)
        await caught.go_on(Hint())


async def drip(caught: Caught) -> None:
    """The true answer, one byte and then a pause of `seconds`, until the merchant hangs up."""
    status, raw = await caught.do()
    await caught.begin(status, (b"content-length", str(len(raw)).encode()))
    for byte in raw:
        await caught.go_on_saying(bytes([byte]))
        if await caught.gone_within(caught.seconds):
            return
    await caught.go_on_saying(b"", more=False)


async def huge(caught: Caught) -> None:
    """The true answer behind 200 MiB of padding: valid JSON, of a length nobody was told."""
    status, raw = await caught.do()
    await caught.begin(status)
    await caught.go_on_saying(b'{"padding":"')
    transport = caught.transport
    for _ in range(HUGE_BYTES // len(CHUNK)):
        if transport and transport.is_closing():
            await caught.close(reset=True)
            return
        await caught.go_on_saying(CHUNK)
    await caught.go_on_saying(b'",' + raw[1:], more=False)


def lying(change: Callable[[Fields], None]) -> Act:
    """Done rightly, told wrongly, and properly signed."""

    async def act(caught: Caught) -> None:
        status, raw = await caught.do()
        body = json_object(raw)
        change(body)
        if "signature_key" in body:
            signed = (body["order_id"], body["status_code"], body["gross_amount"])
            body["signature_key"] = sign(*signed, caught.server_key)
        await caught.say(Json(body, status))

    return act


def another_amount(body: Fields) -> None:
    if "gross_amount" in body:
        body["gross_amount"] = rupiah(int(body["gross_amount"].split(".")[0]) + EXTRA_RUPIAH)


def another_order(body: Fields) -> None:
    if "order_id" in body:
        body["order_id"] += "-other"


# ── the provider or the bank behind Midtrans refuses, now or later ──


async def deny(caught: Caught) -> None:
    await caught.go_on(Hint(deny=True))


async def refund_denied_later(caught: Caught) -> None:
    await caught.go_on(Hint(refund_denied_after_seconds=caught.seconds))


async def reversed_later(caught: Caught) -> None:
    await caught.go_on(Hint(reversed_after_seconds=caught.seconds))


def is_reversible(sight: Sight) -> bool:
    """Whether this charge's method is one that midtrans.md 11.1 knows reversals of."""
    try:
        return METHODS[method_of(sight.body)].reversible
    except Refusal:
        return False


def of_core(sight: Sight) -> bool:
    """Snap knows no keys, and tells no amounts or orders."""
    return sight.path.startswith("/v2/")


def always(_: Sight) -> bool:
    return True


class Fault(NamedTuple):
    act: Act
    method: str = ""  # the only HTTP method it makes sense for; empty means any
    kinds: tuple[str, ...] = ()  # the only kinds of request; none named means any
    applies: Callable[[Sight], bool] = always

    def fits(self, sight: Sight) -> bool:
        return (
            self.method in ("", sight.method)
            and (not self.kinds or sight.kind in self.kinds)
            and self.applies(sight)
        )


CHARGE: Final = ("charge",)
REFUNDS: Final = ("refund", "refund/online/direct")
NO_NUMBER: Final = "VA number could not be created, please try again."
FAULTS: Final = {
    # nothing was done, and the merchant is told something
    "refuse_503": Fault(unavailable),
    "error_500_without_doing": Fault(server_error),
    "rate_limit_429": Fault(saying(rate_limited)),
    "html_502": Fault(saying(bad_gateway)),
    "va_505": Fault(refusing("505", NO_NUMBER), "POST", CHARGE),
    "conflict_406": Fault(refusing(*DUPLICATE_ORDER), "POST", CHARGE),
    "in_progress_202": Fault(saying(in_progress), "POST", applies=of_core),
    "not_found_then_found": Fault(refusing(*NOT_FOUND), "GET"),
    # nothing was done, and the merchant is told nothing
    "refuse_before": Fault(refuse_before),
    "reset_before": Fault(reset_before),
    "hang": Fault(hang),
    # it was done, and the merchant is told nothing, too late, too slowly, too much, or an untruth
    "do_then_500": Fault(do_then_500),
    "do_then_reset": Fault(do_then_reset),
    "do_then_hang": Fault(do_then_hang),
    "do_late": Fault(do_late),
    "drip": Fault(drip),
    "huge": Fault(huge),
    "wrong_amount": Fault(lying(another_amount), applies=of_core),
    "wrong_order_id": Fault(lying(another_order), applies=of_core),
    # the provider behind Midtrans refuses; the bank does so later, `seconds` after the fact
    "deny": Fault(deny, "POST", (*CHARGE, "capture", *REFUNDS)),
    "refund_denied": Fault(deny, "POST", REFUNDS),
    "refund_denied_later": Fault(refund_denied_later, "POST", REFUNDS),
    "reversed_later": Fault(reversed_later, "POST", CHARGE, is_reversible),
}


def replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever the connection still says."""
    left = [body]

    async def again() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return again
