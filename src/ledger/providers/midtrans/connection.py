"""One exchange with the gateway: pooled, under a total deadline, and with a bound on what is read."""

import asyncio
from base64 import b64encode
from typing import Final

import aiohttp
from yarl import URL

from ledger import deadline
from ledger.providers.midtrans.answers import Reply
from ledger.providers.midtrans.sessions import Unanswered, open_session
from ledger.providers.port import DidNot, Unknown

MAX_ANSWER_BYTES: Final = 1024 * 1024
# Thousands of exchanges may be under way, and all at once may get as much as that.
USUAL_BYTES: Final = 32 * 1024
LARGE_AT_ONCE: Final = 16
# Raised only before the first byte of a request was written: nothing happened, and that is proved.
NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
LOST: Final = (aiohttp.ClientError, OSError)


class Connection:
    """Waiting for a free connection, connecting and the TLS handshake take `connect_seconds` at most,
    all together.
    """

    def __init__(self, server_key: str, *, connect_seconds: float, max_connections: int) -> None:
        self._headers = {
            "Authorization": authorization(server_key),
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # so that the bound on bytes is a bound on memory
            "Content-Type": "application/json",
            "Connection": "keep-alive",
            "User-Agent": "bukubesar",
        }
        self._connect_seconds, self._max_connections = connect_seconds, max_connections
        self._opened: aiohttp.ClientSession | None = None
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

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
        try:
            with deadline.stopped():
                async with (
                    asyncio.timeout(seconds),
                    self._session().request(
                        method,
                        URL(url, encoded=True),  # as given: an id in it is quoted already
                        data=body or None,
                        headers=_given({"Idempotency-Key": key, "transaction-source": source}),
                        allow_redirects=False,
                    ) as response,
                ):
                    return await self._read(response)
        except NOT_SENT as failure:
            return _not_sent(failure)
        except TimeoutError:
            return Unknown(cause="timeout", detail=f"No answer within {seconds:g} s.")
        except Unanswered as unanswered:
            return _lost(unanswered.failure)
        except LOST as failure:
            return _lost(failure)

    async def _read(self, response: aiohttp.ClientResponse) -> Reply | Unknown:
        read = bytearray()
        if await _read_until(response, read, USUAL_BYTES):
            async with self._large:
                if await _read_until(response, read, MAX_ANSWER_BYTES):
                    response.close()
                    words = f"More than {MAX_ANSWER_BYTES} bytes."
                    return Unknown(cause="answer_too_large", detail=words)
        return Reply(response.status, bytes(read))

    def _session(self) -> aiohttp.ClientSession:
        """Opened by the first exchange, because a session belongs to the loop that runs then."""
        if self._opened is None:
            self._opened = open_session(
                self._headers,
                connect_seconds=self._connect_seconds,
                max_connections=self._max_connections,
            )
        return self._opened

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()


def authorization(server_key: str) -> str:
    """HTTP Basic: the key is the user, the password is empty (midtrans.md 1.2)."""
    return f"Basic {b64encode(f'{server_key}:'.encode()).decode()}"


def _given(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value}


async def _read_until(response: aiohttp.ClientResponse, read: bytearray, most: int) -> bool:
    """Whether there is more than that."""
    if (response.content_length or 0) > MAX_ANSWER_BYTES:
        return True
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > most:
            return True
    return False


def _not_sent(failure: Exception) -> DidNot:
    words = f"The gateway could not be reached ({type(failure).__name__})."
    return DidNot(code="service_unavailable", words=words, retryable=True)


def _lost(failure: BaseException) -> Unknown:
    return Unknown(cause="connection_lost", detail=type(failure).__name__)
