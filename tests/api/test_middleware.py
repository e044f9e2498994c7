"""Around every request: an id, one log line, measurements, bounds, safe headers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from fastapi import APIRouter, FastAPI, Request
from prometheus_client import REGISTRY
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.types import Message
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from api import middleware, problems
from ledger.telemetry import METRICS
from support.money_app import client, money_app

PAY = "/api/v1/payments/p1"
BODY = {"amount": {"minor": 5, "currency": "IDR"}, "words": "canary-in-body"}


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        yield lines


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("bukubesar_http_requests_total", labels) or 0.0


async def test_a_request_id_of_the_caller_is_kept_and_echoed(logs: list[Any]):
    async with client(money_app()) as http:
        answer = await http.post(PAY, json=BODY, headers={"X-Request-ID": "order-42_retry"})

    assert answer.headers["x-request-id"] == "order-42_retry"
    assert logs[-1]["request_id"] == "order-42_retry"
    assert get_contextvars() == {}


@pytest.mark.parametrize("wrong", ["short", "a" * 65, "has space", "canary;drop", "\u00e9" * 9])
async def test_any_other_request_id_is_replaced(wrong: str, logs: list[Any]):
    async with client(money_app()) as http:
        answer = await http.post(PAY, json=BODY, headers={"X-Request-ID": wrong.encode()})

    assert answer.headers["x-request-id"].startswith("req_")
    assert wrong not in str(logs)


async def test_a_request_leaves_one_line_without_body_or_query(logs: list[Any]):
    async with client(money_app()) as http:
        await http.post(f"{PAY}?text=canary-in-query", json=BODY)

    assert len(logs) == 1
    line = logs[0]
    assert line["event"] == "http.answered"
    assert (line["method"], line["status"]) == ("POST", 201)
    assert line["route"] == "/api/v1/payments/{payment_id}"
    assert line["ms"] >= 0
    assert "canary" not in str(logs)


async def test_a_refusal_is_logged_with_its_code(logs: list[Any]):
    async with client(money_app()) as http:
        await http.get("/api/v1/payments/conflict")

    assert (logs[-1]["status"], logs[-1]["problem"]) == (409, "test_wrong_state")


async def test_requests_are_counted_by_template_and_unknown_addresses_as_one():
    routed = {"method": "POST", "route": "/api/v1/payments/{payment_id}", "status": "201"}
    nowhere = {"method": "GET", "route": "unmatched", "status": "404"}
    before = counted(**routed), counted(**nowhere)

    async with client(money_app()) as http:
        for n in range(3):
            await http.post(f"/api/v1/payments/p{n}", json=BODY)
            await http.get(f"/no/{n}")

    assert (counted(**routed), counted(**nowhere)) == (before[0] + 3, before[1] + 3)
    assert REGISTRY.get_sample_value("bukubesar_http_request_seconds_count", routed)
    assert REGISTRY.get_sample_value("bukubesar_http_requests_in_flight") == 0


async def test_an_unknown_method_does_not_make_a_new_label(logs: list[Any]):
    async with client(money_app()) as http:
        await http.request("BREW", PAY)

    assert logs[-1]["method"] == "other"


def test_every_metric_is_ours_and_named_once():
    names = [metric.describe()[0].name for metric in METRICS]

    assert len(names) == len(set(names))
    assert all(name.startswith("bukubesar_") for name in names)


@pytest.mark.parametrize("address", [PAY, "/nowhere", "/api/v1/payments/broken"])
async def test_every_answer_has_safe_headers(address: str):
    async with client(money_app()) as http:
        answer = await http.get(address)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-request-id"]


def small_app(**limits: Any) -> FastAPI:
    app = FastAPI(openapi_url=None)
    problems.install(app)
    middleware.install(app, **limits)
    return app


async def test_a_page_keeps_its_own_policy():
    app = small_app()

    @app.get("/console")
    async def console() -> HTMLResponse:
        return HTMLResponse("<p>", headers={"Content-Security-Policy": "default-src 'self'"})

    async with client(app) as http:
        answer = await http.get("/console")

    assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert answer.headers["cache-control"] == "no-store"


async def test_above_the_cap_requests_are_refused_at_once_and_probes_are_not():
    app, release, entered = small_app(most_at_once=2), asyncio.Event(), asyncio.Semaphore(0)

    @app.get("/slow")
    async def slow() -> str:
        entered.release()
        await release.wait()
        return "done"

    @app.get("/health")
    async def health() -> str:
        return "alive"

    async with client(app) as http, asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(http.get("/slow")) for _ in range(2)]
        await entered.acquire()
        await entered.acquire()
        refused, probe = await http.get("/slow"), await http.get("/health")
        release.set()
    async with client(app) as http:
        afterwards = [await http.get("/slow") for _ in range(3)]

    assert [answer.status_code for answer in afterwards] == [200, 200, 200]
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/overloaded")
    assert refused.headers["retry-after"] == "1"
    assert probe.status_code == 200
    assert [task.result().status_code for task in waiting] == [200, 200]


async def stream(size: int, pieces: int) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield b" " * size


async def test_a_streamed_body_is_counted_as_it_arrives():
    app = small_app(largest_body=100)
    arrived: list[int] = []

    @app.post("/raw")
    async def raw(request: Request) -> int:
        async for piece in request.stream():
            arrived.append(len(piece))
        return sum(arrived)

    async with client(app) as http:
        answer = await http.post("/raw", content=stream(30, 1_000))

    assert (answer.status_code, answer.json()["largestBytes"]) == (413, 100)
    assert sum(arrived) <= 100


async def test_a_lying_content_length_does_not_get_more_through():
    answered = await call(
        small_app(largest_body=10),
        [(b"content-length", b"3")],
        [{"type": "http.request", "body": b"x" * 11, "more_body": False}],
    )

    assert answered[0]["status"] == 413


async def test_an_absurd_content_length_is_refused_without_reading():
    for length in (b"11", b"9" * 5_000):
        answered = await call(small_app(largest_body=10), [(b"content-length", length)], [])
        assert answered[0]["status"] == 413


async def test_a_body_that_trickles_is_given_up():
    answered = await call(
        small_app(body_seconds=0.05),
        [(b"transfer-encoding", b"chunked")],
        [{"type": "http.request", "body": b"x", "more_body": True}],
    )

    assert answered[0]["status"] == 408


async def call(
    app: FastAPI, headers: list[tuple[bytes, bytes]], arriving: list[Message]
) -> list[Message]:
    """Speaks ASGI itself, to send what no client would; afterwards nothing more arrives."""
    answered: list[Message] = []

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    async def receive() -> Message:
        return arriving.pop(0) if arriving else await asyncio.Future()

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/raw",
        "raw_path": b"/raw",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
    }
    async with asyncio.timeout(5):
        await app(scope, receive, send)
    return answered


async def test_an_answer_that_breaks_in_the_middle_is_not_made_to_look_whole(logs: list[Any]):
    app = small_app()

    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("canary")

    @app.get("/half")
    async def begin() -> StreamingResponse:
        return StreamingResponse(half())

    with pytest.raises(middleware.AnswerCutShort) as cut:
        async with client(app, raising=True) as http:
            await http.get("/half")

    assert cut.value.__suppress_context__
    assert logs[0]["error"] == "RuntimeError"
    assert "canary" not in str(logs)


async def test_the_template_of_a_nested_router_is_whole(logs: list[Any]):
    app, outer, inner = small_app(), APIRouter(), APIRouter(prefix="/{payment_id}")

    @inner.get("/refunds/{refund_id}")
    async def refund(payment_id: str, refund_id: str) -> str:
        return payment_id + refund_id

    outer.include_router(inner, prefix="/payments")
    app.include_router(outer, prefix="/api/v1")
    async with client(app) as http:
        await http.get("/api/v1/payments/p1/refunds/r1")

    assert logs[-1]["route"] == "/api/v1/payments/{payment_id}/refunds/{refund_id}"


def test_no_middleware_is_a_base_http_middleware():
    for added in money_app().user_middleware:
        assert not issubclass(added.cls, BaseHTTPMiddleware)  # type: ignore[arg-type]
