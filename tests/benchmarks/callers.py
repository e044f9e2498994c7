"""HTTP callers over raw sockets: a closed loop for the peak, an open one for waits at a given rate.

In the open loop a wait begins when the request was due, not when it was sent: a server that stalls
does not get to hide how many were waiting.
"""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, cast
from uuid import uuid4

import msgspec

from benchmarks.measuring import Sample, sample
from benchmarks.processes import closed_loop
from ledger.identity import PAYMENT, new_id, order_id

SERVER_KEY: Final = "SB-Mid-server-bench"
AMOUNT: Final = 99_000
KEPT_SECONDS: Final = 2.0  # the server closes what was idle for five, and may do so as we ask

Request = Callable[[], bytes]


class Wire(asyncio.Protocol):
    """One connection that is kept."""

    used = 0.0  # when it was last answered

    def __init__(self) -> None:
        self._read = bytearray()
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._read[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._read) >= end + 4 + length:
            body = bytes(self._read[end + 4 : end + 4 + length])
            self._read.clear()
            if self._waiter and not self._waiter.done():
                self._waiter.set_result((int(head[9:12]), body))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self._waiter = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiter


class Client:
    def __init__(self, ports: dict[str, int], key: str) -> None:
        self.ports, self.key = ports, key
        self.answers: Counter[int] = Counter()
        self._free: dict[int, list[Wire]] = {}

    async def ask(self, port: int, request: bytes) -> bytes:
        free, loop = self._free.setdefault(port, []), asyncio.get_running_loop()
        wire = free.pop() if free else None
        if wire is None or wire.transport.is_closing() or loop.time() - wire.used > KEPT_SECONDS:
            _, wire = await loop.create_connection(Wire, "127.0.0.1", port)
        status, body = await wire.ask(request)
        wire.used = loop.time()
        free.append(wire)
        self.answers[status] += 1
        return body


@asynccontextmanager
async def client(ports: dict[str, int], key: str) -> AsyncIterator[Client]:
    yield Client(ports, key)


async def peak(
    opened: Client, kind: str, given: str, callers: int, seconds: float
) -> tuple[Sample, Counter[int]]:
    """As fast as so many callers get their answers."""
    port, request = _requests(opened, kind, given)
    opened.answers.clear()

    async def once(_: int) -> float:
        asked = time.perf_counter()
        await opened.ask(port, request())
        return time.perf_counter() - asked

    return sample(*await closed_loop(once, callers, seconds)), opened.answers


async def at_rate(
    opened: Client, kind: str, given: str, per_s: float, seconds: float
) -> tuple[Sample, Counter[int]]:
    """Requests fall due at even distances, whether or not earlier ones were answered."""
    port, request = _requests(opened, kind, given)
    opened.answers.clear()
    loop, waited = asyncio.get_running_loop(), list[float]()
    began = loop.time()

    async def once(due: float) -> None:
        await opened.ask(port, request())
        waited.append(loop.time() - due)

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(per_s * seconds)):
            due = began + number / per_s
            if (pause := due - loop.time()) > 0:
                await asyncio.sleep(pause)
            tasks.create_task(once(due))
    return sample(waited, loop.time() - began), opened.answers


async def one(opened: Client, kind: str, given: str) -> bytes:
    """The body of a single answer."""
    port, request = _requests(opened, kind, given)
    return await opened.ask(port, request())


def _requests(opened: Client, kind: str, given: str) -> tuple[int, Request]:
    """The port of a kind of request, and what makes the next one."""
    key = f"Authorization: Bearer {opened.key}\r\n"
    if kind == "noop":
        return opened.ports["noop"], lambda: _get("/noop")
    if kind == "read":
        return opened.ports["api"], lambda: _get(f"/api/v1/payments/{given}", key)
    if kind == "notice":
        return opened.ports["api"], lambda: _post("/api/v1/webhooks/midtrans", _notice())
    if kind == "payment":
        body = {"amount": AMOUNT, "currency": "IDR", "paymentMethod": "qris"}
        asked = msgspec.json.encode(body)
        return opened.ports["api"], lambda: _post(
            "/api/v1/payments", asked, f"{key}Idempotency-Key: bench-{uuid4().hex}\r\n"
        )
    raise ValueError(kind)


def _get(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode()


def _post(path: str, body: bytes, more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n{more}\r\n".encode() + body


def _notice() -> bytes:
    """A signed notice that nobody has seen before."""
    order, amount = order_id(new_id(PAYMENT), 1), f"{AMOUNT}.00"
    signed = f"{order}200{amount}{SERVER_KEY}".encode()
    return msgspec.json.encode(
        {
            "order_id": order,
            "transaction_id": f"t-{order}",
            "status_code": "200",
            "gross_amount": amount,
            "transaction_status": "settlement",
            "transaction_time": "2026-11-24 10:00:00",
            "payment_type": "qris",
            "currency": "IDR",
            "fraud_status": "accept",
            "signature_key": hashlib.sha512(signed).hexdigest(),
        }
    )
