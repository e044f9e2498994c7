"""What happens to every request before and after its route. Pure ASGI only: one BaseHTTPMiddleware
would triple the cost of a request (parts.md 2).

From outside in: RequestRecord (id, headers, log line, metrics) · LastResort (500) ·
ConcurrencyLimit (503) · AnswerLimit (503) · BodyLimit (413, 408) · the application with its
exception handlers.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from api.problems import internal_error, report
from api.request_limits import AnswerLimit, BodyLimit, ConcurrencyLimit
from ledger.clock import monotonic_seconds
from ledger.identity import new_id
from ledger.telemetry import HTTP_IN_FLIGHT, HTTP_REQUESTS, HTTP_SECONDS

LARGEST_BODY: Final = 64 * 1024
BODY_SECONDS: Final = 20.0  # reliability.md 4.14; a slow sender would hold a place of others
ANSWER_SECONDS: Final = (
    3.5  # of waiting for the database; five is what we promise, on a busy machine too
)
MOST_AT_ONCE: Final = 256

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_-]{8,64}")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ANSWER: Final = 499  # the client left, or we failed after the answer had begun
UNMATCHED: Final = "unmatched"

# Set where the route did not: a console page brings its own policy, a download its own caching.
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)

log = structlog.get_logger(__name__)


class RequestRecord:
    """Gives each request an id and leaves one log line and two measurements of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._templates = RouteTemplates()
        self._measured: dict[tuple[Any, ...], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = monotonic_seconds(), NO_ANSWER

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _headers(message.get("headers", ()), request_id)
            await send(message)

        bound = bind_contextvars(request_id=request_id)
        HTTP_IN_FLIGHT.inc()
        try:
            await self.app(scope, receive, answer)
        finally:
            HTTP_IN_FLIGHT.dec()
            self._leave(scope, status, monotonic_seconds() - began)
            reset_contextvars(**bound)

    def _leave(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route, state = self._templates.of(scope), scope["state"]
        counted, timed = self._measures(method, route, status)
        counted.inc()
        timed.observe(seconds)
        log.info(
            "http.answered",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            caller=state.get("caller", ""),
            problem=state.get("problem", ""),
        )

    def _measures(self, *labels: Any) -> tuple[Counter, Histogram]:
        """Of these labels, which take few values; finding them anew costs as much as the rest."""
        if labels not in self._measured:
            self._measured[labels] = HTTP_REQUESTS.labels(*labels), HTTP_SECONDS.labels(*labels)
        return self._measured[labels]


class AnswerCutShort(Exception):
    """Makes the server cut the connection, so that half an answer does not look whole."""


class LastResort:
    """Answers what no handler foresaw; inside RequestRecord, so that it is counted too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            return
        except Exception as error:
            if begun:
                report(error)
                raise AnswerCutShort() from None
            await internal_error(error, scope)(scope, receive, send)


class RouteTemplates:
    """`/api/v1/payments/{payment_id}` of a routed request; a route knows only its last part."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, scope: Scope) -> str:
        route = scope.get("route")
        if route is None:
            return UNMATCHED
        if id(route) not in self._known:
            self._learn(scope["app"])
        return self._known.setdefault(id(route), UNMATCHED)

    def _learn(self, app: FastAPI) -> None:
        for context in iter_route_contexts(app.routes):
            self._known[id(context.original_route)] = context.path or UNMATCHED


def install(
    app: FastAPI,
    *,
    most_at_once: int = MOST_AT_ONCE,
    always: Iterable[str] = ("/health", "/ready", "/metrics"),
    largest_body: int = LARGEST_BODY,
    body_seconds: float = BODY_SECONDS,
    answer_seconds: float = ANSWER_SECONDS,
    larger_bodies: Mapping[str, int] | None = None,
) -> None:
    """What is added last is outermost, so this reads from inside out."""
    app.add_middleware(BodyLimit, largest=largest_body, seconds=body_seconds, larger=larger_bodies)
    app.add_middleware(AnswerLimit, seconds=answer_seconds)
    app.add_middleware(ConcurrencyLimit, most=most_at_once, always=always)
    app.add_middleware(LastResort)
    app.add_middleware(RequestRecord)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return new_id("req")


def _headers(present: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [*present, (b"x-request-id", request_id.encode())]
    names = {name.lower() for name, _ in headers}
    return headers + [header for header in HEADERS if header[0] not in names]
