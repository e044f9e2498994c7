"""The exchange against servers that misbehave on the wire, over real sockets (reliability.md T10)."""

import asyncio
import socket
import time

import pytest

from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.midtrans.answers import Reply
from ledger.providers.midtrans.connection import MAX_ANSWER_BYTES, Connection, authorization
from ledger.providers.port import DidNot, Unknown
from support.charges import charge_order
from support.scripted_gateway import http, scripted_gateway

KEY = "SB-Mid-server-abc123cde456"


async def exchange(url: str, **changes: object) -> Reply | DidNot | Unknown:
    connection = Connection(KEY, connect_seconds=0.5, max_connections=2)
    try:
        return await connection.exchange("POST", url, **{"seconds": 0.3, "body": b"{}", **changes})  # type: ignore[arg-type]
    finally:
        await connection.close()


def test_the_key_is_the_user_and_the_password_is_empty():
    assert authorization(KEY) == "Basic U0ItTWlkLXNlcnZlci1hYmMxMjNjZGU0NTY6"


async def test_an_answer_is_read_with_its_status():
    async with scripted_gateway(http("200 OK", b'{"a": 1}')) as gateway:
        assert await exchange(gateway.url, key="k-1") == Reply(200, b'{"a": 1}')

    (request,) = gateway.requests
    assert b"idempotency-key: k-1" in request.lower()
    assert b"accept-encoding: identity" in request.lower()
    assert authorization(KEY).encode() in request


async def test_an_answer_in_chunks_is_put_together():
    chunked = (
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b'4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'
    )
    async with scripted_gateway(chunked) as gateway:
        assert await exchange(gateway.url) == Reply(201, b'{"a": 1}')


async def test_a_refused_connection_proves_that_nothing_happened():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        answer = await exchange(f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert isinstance(answer, DidNot)
    assert (answer.code, answer.retryable) == ("service_unavailable", True)


async def test_a_host_without_an_address_proves_that_nothing_happened():
    answer = await exchange("http://gateway.invalid", seconds=5)

    assert isinstance(answer, DidNot)
    assert answer.code == "service_unavailable"


async def test_a_full_pool_proves_that_nothing_happened():
    async with scripted_gateway(http("200 OK", b"x" * 99), pause_seconds=0.1) as gateway:
        connection = Connection(KEY, connect_seconds=0.1, max_connections=1)
        busy = asyncio.create_task(connection.exchange("POST", gateway.url, seconds=1))
        await asyncio.sleep(0.05)
        answer = await connection.exchange("POST", gateway.url, seconds=1)
        busy.cancel()
        await connection.close()

    assert isinstance(answer, DidNot)
    assert len(gateway.requests) == 1


async def test_as_many_are_in_flight_at_once_as_connections_are_allowed():
    async with scripted_gateway(http("200 OK", b"x" * 20), pause_seconds=0.01) as gateway:
        connection = Connection(KEY, connect_seconds=5, max_connections=100)
        replies = await asyncio.gather(
            *(connection.exchange("GET", gateway.url, seconds=5) for _ in range(100))
        )
        await connection.close()

    assert set(map(type, replies)) == {Reply}


UNKNOWN = {
    "silence": (b"", "connection_lost"),
    "half a head": (b"HTTP/1.1 200", "connection_lost"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "connection_lost"),
    "not HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "connection_lost"),
    "half a chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        "connection_lost",
    ),
    "a flood": (http("200 OK", b" " * (MAX_ANSWER_BYTES + 1)), "answer_too_large"),
}


@pytest.mark.parametrize(("answer", "cause"), UNKNOWN.values(), ids=UNKNOWN)
async def test_after_sending_everything_else_is_unknown(answer: bytes, cause: str):
    async with scripted_gateway(answer) as gateway:
        outcome = await exchange(gateway.url, seconds=5)

    assert isinstance(outcome, Unknown)
    assert outcome.cause == cause


async def test_the_largest_answer_that_is_allowed_is_read():
    async with scripted_gateway(http("200 OK", b" " * MAX_ANSWER_BYTES)) as gateway:
        assert isinstance(await exchange(gateway.url, seconds=5), Reply)


async def test_a_drip_is_cut_at_the_total_deadline():
    async with scripted_gateway(http("200 OK", b"x" * 1_000), pause_seconds=0.02) as gateway:
        began = time.monotonic()
        outcome = await exchange(gateway.url)

    assert isinstance(outcome, Unknown)
    assert outcome.cause == "timeout"
    assert time.monotonic() - began < 1


async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere():
    async with scripted_gateway(http("200 OK", b"{}")) as elsewhere:
        moved = http("302 Found", b"", f"Location: {elsewhere.url}/")
        async with scripted_gateway(moved) as gateway:
            midtrans = Midtrans(server_key=KEY, core_url=gateway.url, snap_url=gateway.url)
            assert await midtrans.charge(charge_order("bca_va")) == Unknown(cause="http_302")
            assert await midtrans.charge(charge_order("snap")) == Unknown(cause="http_302")
            await midtrans.close()

    assert elsewhere.requests == []


async def test_a_compressed_answer_that_nobody_asked_for_is_not_unpacked():
    async with scripted_gateway(
        http("200 OK", b"\x1f\x8b\x08" + b"\x00" * 50, "Content-Encoding: gzip")
    ) as gateway:
        midtrans = Midtrans(server_key=KEY, core_url=gateway.url, snap_url=gateway.url)
        outcome = await midtrans.inquire("pay_1-1")
        await midtrans.close()

    assert isinstance(outcome, Unknown)
    assert outcome.cause == "answer_malformed"


async def test_an_order_id_cannot_leave_its_place_in_the_path():
    async with scripted_gateway(http("200 OK", b"{}")) as gateway:
        midtrans = Midtrans(server_key=KEY, core_url=gateway.url, snap_url=gateway.url)
        await midtrans.inquire("a/../b?c#d")
        await midtrans.close()

    assert gateway.requests[0].startswith(b"GET /v2/a%2F..%2Fb%3Fc%23d/status HTTP")


async def test_the_environment_cannot_put_a_proxy_in_between(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with scripted_gateway(http("200 OK", b"{}")) as gateway:
        assert isinstance(await exchange(gateway.url), Reply)
