"""A server that answers with given bytes, for the answers that no honest gateway gives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class ScriptedGateway:
    url: str = ""
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def scripted_gateway(
    *answers: bytes, pause_seconds: float = 0.0
) -> AsyncIterator[ScriptedGateway]:
    """One answer a request, the last one for ever. `pause_seconds` between bytes makes it a drip."""
    scripted, left = ScriptedGateway(), list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            scripted.requests.append(await request_of(reader))
            answer = left.pop(0) if len(left) > 1 else left[0]
            for piece in _pieces(answer, pause_seconds):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_seconds)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        scripted.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield scripted


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


def _pieces(answer: bytes, pause_seconds: float) -> list[bytes]:
    return [answer[i : i + 1] for i in range(len(answer))] if pause_seconds else [answer]
