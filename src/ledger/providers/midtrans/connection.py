"""One exchange with the gateway: pooled, under a total deadline, and with a bound on what is read."""

import asyncio
import ssl
from base64 import b64encode
from typing import Final

import httpx2

from ledger.providers.midtrans.answers import Reply
from ledger.providers.port import DidNot, Unknown

MAX_ANSWER_BYTES: Final = 1024 * 1024
# A moment less than the 5 s after which many servers close an idle connection: writing to one that
# just closed
# would leave the outcome unknown for nothing.
KEEP_ALIVE_SECONDS: Final = 4.0
# httpx2 walks its whole pool for every request: with 2,000 in flight in one pool a request cost 11
# ms of CPU, in
# pools of 32 it costs 1 ms.
POOL_SIZE: Final = 32
# Raised only before the first byte of a request was written: nothing happened, and that is proved.
NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
LOST: Final = (httpx2.HTTPError, httpx2.StreamError, OSError)


class Pool:
    """A client of its own with few connections; `busy` counts the exchanges that hold or await one."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client, self.busy = client, 0


class Connection:
    """Waiting for a free connection, connecting and the TLS handshake each take `connect_seconds`
    at most.
    """

    def __init__(self, server_key: str, *, connect_seconds: float, max_connections: int) -> None:
        self._pool_size = min(POOL_SIZE, max_connections)
        timeout = httpx2.Timeout(None, connect=connect_seconds, pool=connect_seconds)
        tls = httpx2.create_ssl_context(
            trust_env=False
        )  # one for all: reading the authorities takes long
        pools = -(-max_connections // self._pool_size)
        self._pools = [
            Pool(_client(server_key, timeout, tls, self._pool_size)) for _ in range(pools)
        ]

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
        pool = self._choose()
        pool.busy += 1
        try:
            async with (
                asyncio.timeout(seconds),
                pool.client.stream(method, url, content=body, headers=headers) as response,
            ):
                return await _read(response)
        except NOT_SENT as failure:
            return _not_sent(failure)
        except (TimeoutError, httpx2.TimeoutException):
            return Unknown(cause="timeout", detail=f"No answer within {seconds:g} s.")
        except LOST as failure:
            return Unknown(cause="connection_lost", detail=type(failure).__name__)
        finally:
            pool.busy -= 1

    def _choose(self) -> Pool:
        """The first with room, so that warm connections are used again; else the one with the
        shortest queue.
        """
        with_room = (pool for pool in self._pools if pool.busy < self._pool_size)
        return next(with_room, None) or min(self._pools, key=lambda pool: pool.busy)

    async def close(self) -> None:
        for pool in self._pools:
            await pool.client.aclose()


def _client(
    server_key: str, timeout: httpx2.Timeout, tls: ssl.SSLContext, connections: int
) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        headers={
            "Authorization": authorization(server_key),
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # so that the bound on bytes is a bound on memory
            "Content-Type": "application/json",
            "User-Agent": "bukubesar",
        },
        timeout=timeout,
        limits=httpx2.Limits(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
        ),
        verify=tls,
        follow_redirects=False,
        trust_env=False,
    )


def authorization(server_key: str) -> str:
    """HTTP Basic: the key is the user, the password is empty (midtrans.md 1.2)."""
    return f"Basic {b64encode(f'{server_key}:'.encode()).decode()}"


async def _read(response: httpx2.Response) -> Reply | Unknown:
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            return Unknown(cause="answer_too_large", detail=f"More than {MAX_ANSWER_BYTES} bytes.")
    return Reply(response.status_code, bytes(read))


def _not_sent(failure: Exception) -> DidNot:
    words = f"The gateway could not be reached ({type(failure).__name__})."
    return DidNot(code="service_unavailable", words=words, retryable=True)
