"""One exchange with the gateway: pooled, under a total deadline, and with a bound on what is read.

aiohttp, because a charge through httpx2 cost more than all our own work on it
(docs/decisions/0010-the-gateway-s-http-client.md); TLS is httpx2's, with its authorities.
"""

import asyncio
import ssl
from base64 import b64encode
from typing import Final

import aiohttp
import httpx2
from yarl import URL

from ledger.providers.midtrans.answers import Reply
from ledger.providers.port import DidNot, Unknown

MAX_ANSWER_BYTES: Final = 1024 * 1024
# A moment less than the 5 s after which many servers close an idle connection: writing to one that
# just closed would leave the outcome unknown for nothing.
KEEP_ALIVE_SECONDS: Final = 4.0
# Raised only before the first byte of a request was written: nothing happened, and that is proved.
NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
LOST: Final = (aiohttp.ClientError, OSError)


class Connection:
    """Waiting for a free connection, connecting and the TLS handshake take `connect_seconds` at most."""

    def __init__(self, server_key: str, *, connect_seconds: float, max_connections: int) -> None:
        self._connect_seconds = connect_seconds
        self._max_connections = max_connections
        self._headers = {
            "Authorization": authorization(server_key),
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # so that the bound on bytes is a bound on memory
            "Content-Type": "application/json",
            "User-Agent": "bukubesar",
        }
        self._tls = httpx2.create_ssl_context(trust_env=False)  # reading the authorities takes long
        self._opened: aiohttp.ClientSession | None = None

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        body: bytes = b"",
        key: str = "",
        source: str = "",
    ) -> Reply | DidNot | Unknown:
        """`key` makes a repeat within five minutes harmless (midtrans.md 1.4); `source` is asked
        for by DANA (1.3).
        """
        headers = {"Idempotency-Key": key, "transaction-source": source}
        headers = {name: value for name, value in headers.items() if value}
        try:
            async with (
                asyncio.timeout(seconds),
                self._session().request(
                    method,
                    URL(url, encoded=True),
                    data=body or None,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                return await _read(response)
        except NOT_SENT as failure:
            return _not_sent(failure)
        except TimeoutError:
            return Unknown(cause="timeout", detail=f"No answer within {seconds:g} s.")
        except LOST as failure:
            return Unknown(cause="connection_lost", detail=type(failure).__name__)

    async def close(self) -> None:
        if self._opened:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        """Made on first use, because it belongs to the event loop that runs then."""
        if self._opened is None:
            timeout = aiohttp.ClientTimeout(total=None, connect=self._connect_seconds)
            self._opened = _open(self._headers, timeout, self._tls, self._max_connections)
        return self._opened


def _open(
    headers: dict[str, str], timeout: aiohttp.ClientTimeout, tls: ssl.SSLContext, connections: int
) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        headers=headers,
        timeout=timeout,
        connector=aiohttp.TCPConnector(
            limit=connections, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=tls
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
    # aiohttp has no public way to say that a GET is not sent a second time behind our back; the
    # contract tests notice should this one go.
    session._retry_connection = False
    return session


def authorization(server_key: str) -> str:
    """HTTP Basic: the key is the user, the password is empty (midtrans.md 1.2)."""
    return f"Basic {b64encode(f'{server_key}:'.encode()).decode()}"


async def _read(response: aiohttp.ClientResponse) -> Reply | Unknown:
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            return Unknown(cause="answer_too_large", detail=f"More than {MAX_ANSWER_BYTES} bytes.")
    return Reply(response.status, bytes(read))


def _not_sent(failure: Exception) -> DidNot:
    words = f"The gateway could not be reached ({type(failure).__name__})."
    return DidNot(code="service_unavailable", words=words, retryable=True)
