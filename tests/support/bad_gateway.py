"""A gateway that misbehaves on the wire: it hangs, drips, floods, or answers 500 in HTML. Or does well."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from support.scripted_gateway import http, request_of

DRIP_SECONDS = 0.3
FLOOD_BYTES = 200 * 1024 * 1024
PIECE = b" " * 65_536
HTML = b"<html><body><h1>500 Internal Server Error</h1></body></html>"

Write = Callable[[bytes], Awaitable[None]]


@dataclass
class BadGateway:
    """`at_once`: nobody is answered before so many have asked."""

    url: str = ""
    mood: str = "well"
    at_once: int = 0
    asked: int = 0
    most_sent: int = 0  # bytes of one answer, before the other side had enough
    _all_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = 0

        async def write(piece: bytes) -> None:
            nonlocal sent
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
            self.most_sent = max(self.most_sent, sent)

        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await request_of(reader)
            self.asked += 1
            if self.asked >= self.at_once:
                self._all_asked.set()
            await self._all_asked.wait()
            await MOODS[self.mood](request, write)
        writer.close()


async def _well(request: bytes, write: Write) -> None:
    asked = json.loads(request.partition(b"\r\n\r\n")[2])["transaction_details"]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    answer = {
        "status_code": "201",
        "status_message": "Success, Bank Transfer transaction is created",
        "transaction_id": str(uuid4()),
        "order_id": asked["order_id"],
        "gross_amount": f"{asked['gross_amount']}.00",
        "currency": "IDR",
        "payment_type": "bank_transfer",
        "transaction_time": now,
        "transaction_status": "pending",
        "fraud_status": "accept",
        "va_numbers": [{"bank": "bca", "va_number": "812780000000000"}],
    }
    await write(http("201 Created", json.dumps(answer).encode()))


async def _hang(request: bytes, write: Write) -> None:
    await asyncio.sleep(60)


async def _drip(request: bytes, write: Write) -> None:
    for byte in http("200 OK", b" " * 10_000):
        await write(bytes([byte]))
        await asyncio.sleep(DRIP_SECONDS)


async def _flood(request: bytes, write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(FLOOD_BYTES // len(PIECE)):
        await write(PIECE)


async def _announced_flood(request: bytes, write: Write) -> None:
    await write(f"HTTP/1.1 200 OK\r\nContent-Length: {FLOOD_BYTES}\r\n\r\n".encode())
    for _ in range(FLOOD_BYTES // len(PIECE)):
        await write(PIECE)


async def _html(request: bytes, write: Write) -> None:
    await write(http("500 Internal Server Error", HTML, "Content-Type: text/html"))


MOODS = {
    "well": _well,
    "hang": _hang,
    "drip": _drip,
    "flood": _flood,
    "announced flood": _announced_flood,
    "html": _html,
}


@asynccontextmanager
async def bad_gateway(
    port: int = 0, mood: str = "well", at_once: int = 0
) -> AsyncIterator[BadGateway]:
    gateway = BadGateway(mood=mood, at_once=at_once)
    serving: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(gateway.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", port)
    gateway.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield gateway
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
