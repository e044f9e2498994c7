"""What a connection that is kept for the next request may lead to, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ledger.providers.midtrans.answers import Reply
from ledger.providers.midtrans.connection import Connection
from ledger.providers.port import Unknown

KEY = "SB-Mid-server-abc123cde456"


class KeepingGateway:
    """Answers `{"n": 1}`, `{"n": 2}` and so on; `hurry` is sent after an answer, unasked.

    `leave_at` is the request that is read, not answered, and ends its connection.
    """

    def __init__(self, *, hurry: bytes = b"", leave_at: int = 0) -> None:
        self.hurry, self.leave_at = hurry, leave_at
        self.connections: list[asyncio.StreamWriter] = []
        self.requests = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        while await reader.read(64 * 1024):
            self.requests += 1
            if self.requests == self.leave_at:
                break
            writer.write(kept(b'{"n": %d}' % self.requests))
            if self.hurry:
                await asyncio.sleep(0.02)
                writer.write(self.hurry)
        writer.close()


def kept(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def keeping_gateway(gateway: KeepingGateway) -> AsyncIterator[Connection]:
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    gateway.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    connection = Connection(KEY, connect_seconds=1, max_connections=4)
    try:
        yield connection
    finally:
        await connection.close()
        server.close()
        await server.wait_closed()


async def test_one_connection_serves_one_request_after_the_other():
    gateway = KeepingGateway()
    async with keeping_gateway(gateway) as connection:
        replies = [await connection.exchange("POST", gateway.url, seconds=1) for _ in range(3)]

    assert replies[-1] == Reply(200, b'{"n": 3}')
    assert len(gateway.connections) == 1


async def test_a_connection_that_the_gateway_closed_meanwhile_is_not_used():
    gateway = KeepingGateway()
    async with keeping_gateway(gateway) as connection:
        await connection.exchange("POST", gateway.url, seconds=1)
        gateway.connections[0].close()
        await asyncio.sleep(0.05)
        reply = await connection.exchange("POST", gateway.url, seconds=1)

    assert reply == Reply(200, b'{"n": 2}')
    assert len(gateway.connections) == 2


async def test_what_came_unasked_is_no_answer_to_the_next_request():
    gateway = KeepingGateway(hurry=kept(b'{"n": "somebody else\'s"}'))
    async with keeping_gateway(gateway) as connection:
        await connection.exchange("POST", gateway.url, seconds=1)
        await asyncio.sleep(0.05)
        reply = await connection.exchange("POST", gateway.url, seconds=1)

    assert reply == Reply(200, b'{"n": 2}')
    assert len(gateway.connections) == 2


async def test_a_question_whose_kept_connection_breaks_is_not_asked_again_unseen():
    gateway = KeepingGateway(leave_at=2)
    async with keeping_gateway(gateway) as connection:
        await connection.exchange("GET", gateway.url, seconds=1)
        outcome = await connection.exchange("GET", gateway.url, seconds=1)

    assert outcome == Unknown(cause="connection_lost", detail="ServerDisconnectedError")
    assert gateway.requests == 2
