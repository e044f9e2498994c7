"""What every merchant call goes through: server key, body, Idempotency-Key (midtrans.md 1)."""

import asyncio
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import compare_digest
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from simulator.faults import Hint
from simulator.gateway import Gateway
from simulator.idempotency import IN_PROGRESS, Stored, usable
from simulator.methods import METHODS
from simulator.orders import method_of
from simulator.request_log import Entry
from simulator.transactions import Fields
from simulator.wire import NO_KEY, Json, Refusal, answer, read_json

NO_HINT: Final = Hint()


@dataclass(frozen=True, slots=True)
class Call:
    gateway: Gateway
    id: str  # order id or transaction id from the path
    body: Any
    headers: Headers
    hint: Hint
    entry: Entry | None = None  # what the book will say it did


Act = Callable[[Call], Fields]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(act: Act) -> Endpoint:
    """Key, body, Idempotency-Key, then the act itself, in one step of the event loop."""

    async def handle(request: Request) -> Response:
        gateway: Gateway = request.app.state.gateway
        require_server_key(request.headers, gateway.config.server_key)
        call = Call(
            gateway,
            request.path_params.get("id", ""),
            await read_json(request),
            request.headers,
            getattr(request.state, "hint", NO_HINT),
            getattr(request.state, "entry", None),
        )
        key = _key(call) if request.method == "POST" else None
        return await (_once(call, act, key) if key else _perform_and_answer(call, act))

    return handle


async def _perform(call: Call, act: Act) -> Fields:
    if call.hint.delay_seconds:
        await asyncio.sleep(call.hint.delay_seconds)
    call.gateway.agenda.run_due()
    with call.gateway.book.requests.performing(call.entry):
        return act(call)


async def _perform_and_answer(call: Call, act: Act) -> Response:
    return answer(await _perform(call, act))


async def _once(call: Call, act: Act, key: str) -> Response:
    """Midtrans' own idempotency (midtrans.md 1.4)."""
    replays = call.gateway.replays
    stored = replays.find(key)
    if stored:
        return _replay(call.gateway, stored)
    replays.begin(key)
    try:
        done = await _perform(call, act)
    except BaseException:
        replays.forget(key)
        raise
    replays.finish(key, done)
    return answer(done)


def _replay(gateway: Gateway, stored: Stored) -> Response:
    if stored.answer is None:
        return Json(IN_PROGRESS, 202)
    transaction = gateway.book.find(str(stored.answer.get("transaction_id")))
    if transaction:
        transaction.charge_requests += 1
    return answer(stored.answer)


def _key(call: Call) -> str | None:
    """The key, unless this charge's method does not support one."""
    if isinstance(call.body, dict) and "payment_type" in call.body:
        try:
            if not METHODS[method_of(call.body)].honours_key:
                return None
        except Refusal:
            return None
    return usable(call.headers.get("idempotency-key"))


def require_server_key(headers: Headers, server_key: str) -> None:
    """HTTP Basic: the server key as user name, no password (midtrans.md 1.2)."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    try:
        given = b64decode(encoded, validate=True)
    except (NotBase64, ValueError):
        given = b""
    if scheme.lower() != "basic" or not compare_digest(given, f"{server_key}:".encode()):
        raise Refusal(*NO_KEY)
