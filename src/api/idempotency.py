"""Idempotency-Key: the same request twice has one effect and one answer.

The effect is guarded by the command id, which is derived from the account and the key and committed
with the effect, for ever. This file guards the answer: it is kept as bytes (answers.py) and replayed. Answers of
a request that changed nothing for good reason (a domain refusal) are kept too; authentication,
validation and failures of ours are not.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from api.answers import Answers, Kept, Place
from api.problems import problem
from ledger import clock
from ledger.access.caller import Caller
from ledger.crashpoint import crashpoint
from ledger.errors import Conflict, LedgerError, NotAllowed, NotFound, Rejected
from ledger.eventstore.store import CommandIdReused, Context, StreamBusy
from ledger.identity import derived_id

SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
WAIT_SECONDS: Final = 2.0
LOOK_EVERY_SECONDS: Final = 0.05


class IdempotencyKeyMissing(Rejected):
    code = "idempotency_key_missing"
    title = "This request needs an Idempotency-Key header."


class IdempotencyKeyMalformed(Rejected):
    code = "idempotency_key_malformed"
    title = "An Idempotency-Key is 8 to 64 letters, digits, `-` or `_`."


class RequestInProgress(Conflict):
    code = "request_in_progress"
    title = "The first request with this Idempotency-Key is still being worked on."
    retry_after_seconds = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """`settled` False: the first request with this key may still be at work, and this is not yet
    its answer. `replayed`: a repeat that was answered anew.
    """

    status: int
    body: BaseModel
    settled: bool = True
    replayed: bool = False

    @property
    def text(self) -> bytes:
        return self.body.model_dump_json(by_alias=True, exclude_none=True).encode()

    @property
    def subject(self) -> str:
        """Under whose key it would be sealed: the customer's whom it names, else the payment's own."""
        names = ("customer_id", "payment_id")
        return next((named for name in names if (named := getattr(self.body, name, None))), "")


Work = Callable[[Context], Awaitable[Answer]]


class Once:
    """A dependency: `await once(body, work)` answers a repeat from what was kept, or does the work."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._answers: Answers = request.app.state.wiring.answers

    async def __call__(self, caller: Caller, body: BaseModel | None, work: Work) -> Response:
        place = Place(caller.account, self._key())
        fingerprint = self._fingerprint(body)
        if running := self._answers.turn(place):
            await asyncio.wait({running}, timeout=WAIT_SECONDS)
            if kept := await self._kept(place, fingerprint):
                return kept.response(replayed=True)
            raise RequestInProgress()
        try:
            if kept := await self._kept(place, fingerprint):
                return kept.response(replayed=True)
            return await self._work(caller, place, fingerprint, work)
        finally:
            self._answers.finished(place)

    async def unkept(self, caller: Caller, body: BaseModel | None, work: Work) -> Response:
        """For answers that name persons: they are not kept, and a repeat is answered as it stands
        now. `work` may be done twice with one effect.
        """
        place = Place(caller.account, self._key())
        answer = await work(self._context(caller, place, self._fingerprint(body)))
        kept = Kept(b"", answer.status, "application/json", answer.text)
        return kept.response(replayed=answer.replayed)

    def _context(self, caller: Caller, place: Place, fingerprint: bytes) -> Context:
        return Context(
            command_id=derived_id("http", *place),
            actor=caller.actor,
            correlation_id=self._request.state.request_id,
            fingerprint=fingerprint,
        )

    async def _work(self, caller: Caller, place: Place, fingerprint: bytes, work: Work) -> Response:
        context = self._context(caller, place, fingerprint)
        crashpoint("answer.before_work")
        try:
            answer = await work(context)
        except LedgerError as refusal:
            if not _is_kept(refusal):
                raise
            shown = problem(refusal, self._request.scope)
            kept = Kept(
                fingerprint, shown.status_code, "application/problem+json", bytes(shown.body)
            )
            return (await self._answers.keep(place, kept)).response(replayed=False)
        if not answer.settled:
            return await self._wait_for_other(place, fingerprint)
        text, subject = answer.text, answer.subject
        kept = Kept(fingerprint, answer.status, "application/json", text, subject)
        crashpoint("answer.before_keep")
        stored = await self._answers.keep(place, kept)
        crashpoint("answer.after_keep")
        return stored.response(replayed=stored is not kept)

    async def _wait_for_other(self, place: Place, fingerprint: bytes) -> Response:
        """Another process is at it: look for its answer a little while."""
        deadline = clock.monotonic_seconds() + WAIT_SECONDS
        while clock.monotonic_seconds() < deadline:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if kept := await self._kept(place, fingerprint):
                return kept.response(replayed=True)
        raise RequestInProgress()

    async def _kept(self, place: Place, fingerprint: bytes) -> Kept | None:
        kept = await self._answers.find(place)
        if kept and kept.fingerprint != fingerprint:
            raise CommandIdReused()
        return kept

    def _key(self) -> str:
        key = self._request.headers.get("idempotency-key")
        if key is None:
            raise IdempotencyKeyMissing()
        if not SHAPE.fullmatch(key):
            raise IdempotencyKeyMalformed()
        return key

    def _fingerprint(self, body: BaseModel | None) -> bytes:
        """Of what is asked, not how it was written: method, address and the validated body in one
        canonical form.
        """
        asked: list[Any] = [
            self._request.method,
            self._request.url.path,
            body.model_dump(mode="json", by_alias=True) if body else None,
        ]
        return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).digest()


async def once(request: Request) -> Once:
    """Async only because FastAPI makes anything else in its thread pool."""
    return Once(request)


MayRepeat = Annotated[Once, Depends(once)]


def _is_kept(refusal: LedgerError) -> bool:
    passing = isinstance(refusal, StreamBusy | CommandIdReused | RequestInProgress)
    return isinstance(refusal, Rejected | Conflict | NotFound | NotAllowed) and not passing
