"""How errors look over HTTP: RFC 9457 problems with stable codes. Kinds become statuses only here.

No answer repeats what was sent, tells more of a failure of ours than that it happened, or is
anything but valid JSON.
"""

from typing import Final, NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from api.http_errors import OF_THE_FRAMEWORK, BadRequest, InternalError
from api.problem_json import problem_body
from api.request_errors import request_invalid
from ledger.errors import (
    Conflict,
    LedgerError,
    NotAllowed,
    NotFound,
    ProviderFailed,
    Rejected,
    Unavailable,
)

STATUS: Final[dict[type[LedgerError], int]] = {
    NotFound: 404,
    Conflict: 409,
    Rejected: 422,
    NotAllowed: 403,
    ProviderFailed: 502,
    Unavailable: 503,
    LedgerError: 500,
}

# Where HTTP has a more telling status than the kind's.
STATUS_BY_CODE: Final = {
    "bad_request": 400,
    "idempotency_key_missing": 400,
    "idempotency_key_malformed": 400,
    "malformed_json": 400,
    "notice_forged": 400,
    "notice_malformed": 400,
    "unauthenticated": 401,
    "method_not_allowed": 405,
    "report_format_not_acceptable": 406,
    "body_too_slow": 408,
    "version_differs": 412,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
}

OURS: Final = ("ledger", "projections", "api")

log = structlog.get_logger(__name__)


class KnownCode(NamedTuple):
    code: str
    kind: str
    status: int
    title: str


def status_of(error: LedgerError | type[LedgerError]) -> int:
    return STATUS_BY_CODE.get(error.code) or STATUS[kind_of(error)]


def kind_of(error: LedgerError | type[LedgerError]) -> type[LedgerError]:
    cls = error if isinstance(error, type) else type(error)
    return next(ancestor for ancestor in cls.__mro__ if ancestor in STATUS)


def all_codes() -> list[KnownCode]:
    """Every code of every error class imported so far, by code."""
    ours = [cls for cls in _family(LedgerError) if cls.__module__.split(".")[0] in OURS]
    return sorted(
        KnownCode(cls.code, kind_of(cls).__name__, status_of(cls), cls.title) for cls in ours
    )


def problem(error: LedgerError, scope: Scope) -> Response:
    """The answer to an error; also notes its code for the access log."""
    status = status_of(error)
    state = scope.setdefault("state", {})
    state["problem"] = error.code
    return Response(
        problem_body(error, status, instance=state.get("request_id", "")),
        status_code=status,
        headers=_headers(error, status),
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    app.add_exception_handler(LedgerError, _ledger_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _last_resort)


def internal_error(error: BaseException, scope: Scope) -> Response:
    """The answer to what nobody foresaw."""
    report(error)
    return problem(InternalError(), scope)


def report(error: BaseException) -> None:
    """The log gets what it was and where, not its message, which may hold what nobody may read."""
    log.error("http.failed", error=type(error).__qualname__, where=_trace(error))


async def _ledger_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LedgerError)
    if kind_of(error) is LedgerError:  # no caller's fault: something is broken here
        report(error)
    return problem(error, request.scope)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(request_invalid(error, request.app), request.scope)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # FastAPI hides what reading a body raised behind a 400 of its own.
    if isinstance(error.__cause__, LedgerError):
        return problem(error.__cause__, request.scope)
    fallback = BadRequest if error.status_code < 500 else InternalError
    answer = problem(OF_THE_FRAMEWORK.get(error.status_code, fallback)(), request.scope)
    answer.headers.update(error.headers or {})
    return answer


async def _last_resort(request: Request, error: Exception) -> Response:
    return internal_error(error, request.scope)


def _headers(error: LedgerError, status: int) -> dict[str, str]:
    headers = {}
    if retry_after := getattr(error, "retry_after_seconds", 0):
        headers["Retry-After"] = str(retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _family(cls: type[LedgerError]) -> set[type[LedgerError]]:
    return {cls}.union(*(_family(child) for child in cls.__subclasses__()))


def _trace(error: BaseException) -> list[str]:
    """The innermost calls, without any values."""
    calls = []
    trace = error.__traceback__
    while trace:
        frame = trace.tb_frame
        module = frame.f_globals.get("__name__", "?")
        calls.append(f"{module}.{frame.f_code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return calls[-8:]
