"""How the HTTP library is set up for the gateway: nothing from the environment, nothing sent twice,
no answer taken that came before its question.
"""

import socket
import ssl
from collections.abc import Mapping
from typing import Final

import aiohttp
import httpx2
from aiohttp.connector import Connection as Taken
from aiohttp.tracing import Trace

# A moment less than the 5 s after which many servers close an idle connection: writing to one that
# just closed would leave the outcome unknown for nothing.
KEEP_ALIVE_SECONDS: Final = 4.0
READ_BYTES: Final = 16 * 1024  # of each answer that lie unread here or there; twice as many at most
NOT_REPEATED: Final = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)


class Unanswered(Exception):
    """The connection was lost while an answer was awaited."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Connector(aiohttp.TCPConnector):
    """A kept connection on which something came unasked is not used again: the library would take
    it for the answer to the next request.
    """

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Taken:
        taken = await super().connect(req, traces, timeout)
        while taken.protocol is not None and taken.protocol.should_close:
            taken.close()
            taken = await super().connect(req, traces, timeout)
        return taken


def open_session(
    headers: Mapping[str, str], *, connect_seconds: float, max_connections: int
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=Connector(
            limit=max_connections,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ssl=_tls(),
            socket_factory=_open_socket,
        ),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_seconds),
        middlewares=(send_once,),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=READ_BYTES,
        trust_env=False,
    )


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """The library repeats a GET whose connection was lost. Repeating is the worker's
    (reliability.md 4.1 rule 4), so the library must not recognise the failure.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # never repeated, and proves that nothing was sent
    except NOT_REPEATED as failure:
        raise Unanswered(failure) from failure


def _open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """One read takes all that lies with the system, which by itself is megabytes for a gateway in a hurry."""
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BYTES)
    return opened


def _tls() -> ssl.SSLContext:
    """The authorities that this system trusts, wherever it keeps them; the environment adds none."""
    tls = httpx2.create_ssl_context(trust_env=False)
    tls.set_alpn_protocols(["http/1.1"])
    return tls
