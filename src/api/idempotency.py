"""Idempotency-Key: the same request twice has one effect and one answer.

The effect is guarded by the command id, which is derived from the account and the key and committed
with the effect, for ever. This file guards the answer: it is kept as bytes and replayed. Answers of
a request that changed nothing for good reason (a domain refusal) are kept too; authentication,
validation and failures of ours are not.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from api.problems import problem
from ledger import clock
from ledger.access.caller import Caller
from ledger.errors import Conflict, LedgerError, NotAllowed, NotFound, Rejected
from ledger.eventstore.connections import Readers
from ledger.eventstore.store import CommandIdReused, Context, StreamBusy
from ledger.identity import derived_id

SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
WAIT_SECONDS: Final = 2.0
LOOK_EVERY_SECONDS: Final = 0.05
KEPT_FOR: Final = timedelta(days=30)


class IdempotencyKeyMissing(Rejected):
    code = "idempotency_key_missing"
    title = "This request moves money and needs an Idempotency-Key header."


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
    its answer.
    """

    status: int
    body: BaseModel
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    fingerprint: bytes
    status: int
    media_type: str
    body: bytes

    def response(self, *, replayed: bool) -> Response:
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        return Response(self.body, self.status, headers, self.media_type)


Work = Callable[[Context], Awaitable[Answer]]


class Answers:
    """The kept answers, and what is being worked on in this process."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._running: dict[tuple[str, str], asyncio.Future[None]] = {}

    async def find(self, account: str, key: str) -> Kept | None:
        async with self._readers.connection() as conn:
            cursor = await conn.execute(
                "select fingerprint, status, media_type, body from idempotency_answers"
                " where account = %s and key = %s",
                [account, key],
            )
            row = await cursor.fetchone()
        return Kept(**row) if row else None

    async def keep(self, account: str, key: str, kept: Kept) -> Kept:
        """The first answer kept under a key wins; returns that one."""
        async with self._readers.connection() as conn:
            cursor = await conn.execute(
                "insert into idempotency_answers values (%s, %s, %s, %s, %s, %s, %s)"
                " on conflict do nothing",
                [
                    account,
                    key,
                    kept.fingerprint,
                    kept.status,
                    kept.media_type,
                    kept.body,
                    clock.now(),
                ],
            )
        if cursor.rowcount == 1:
            return kept
        return await self.find(account, key) or kept

    async def purge(self, now: datetime) -> int:
        """Answers older than 30 days; the command ids stay for ever."""
        async with self._readers.connection() as conn:
            cursor = await conn.execute(
                "delete from idempotency_answers where answered_at < %s", [now - KEPT_FOR]
            )
        return cursor.rowcount

    async def turn(self, account: str, key: str) -> asyncio.Future[None] | None:
        """None when it is ours; else what to wait for."""
        running = self._running.get((account, key))
        if running is None:
            self._running[account, key] = asyncio.get_running_loop().create_future()
        return running

    def finished(self, account: str, key: str) -> None:
        running = self._running.pop((account, key), None)
        if running and not running.done():
            running.set_result(None)


class Once:
    """A dependency: `await once(body, work)` answers a repeat from what was kept, or does the work."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._answers: Answers = request.app.state.wiring.answers

    async def __call__(self, caller: Caller, body: BaseModel | None, work: Work) -> Response:
        key = self._key()
        fingerprint = self._fingerprint(body)
        if running := await self._answers.turn(caller.account, key):
            await asyncio.wait({running}, timeout=WAIT_SECONDS)
            if kept := await self._kept(caller.account, key, fingerprint):
                return kept.response(replayed=True)
            raise RequestInProgress()
        try:
            if kept := await self._kept(caller.account, key, fingerprint):
                return kept.response(replayed=True)
            return await self._work(caller, key, fingerprint, work)
        finally:
            self._answers.finished(caller.account, key)

    async def _work(self, caller: Caller, key: str, fingerprint: bytes, work: Work) -> Response:
        context = Context(
            command_id=derived_id("http", caller.account, key),
            actor=caller.actor,
            correlation_id=self._request.state.request_id,
            fingerprint=fingerprint,
        )
        try:
            answer = await work(context)
        except LedgerError as refusal:
            if not _is_kept(refusal):
                raise
            shown = problem(refusal, self._request.scope)
            kept = Kept(
                fingerprint, shown.status_code, "application/problem+json", bytes(shown.body)
            )
            return (await self._answers.keep(caller.account, key, kept)).response(replayed=False)
        if not answer.settled:
            return await self._wait_for_other(caller, key, fingerprint)
        body = answer.body.model_dump_json(by_alias=True, exclude_none=True).encode()
        kept = Kept(fingerprint, answer.status, "application/json", body)
        stored = await self._answers.keep(caller.account, key, kept)
        return stored.response(replayed=stored is not kept)

    async def _wait_for_other(self, caller: Caller, key: str, fingerprint: bytes) -> Response:
        """Another process is at it: look for its answer a little while."""
        deadline = clock.monotonic_seconds() + WAIT_SECONDS
        while clock.monotonic_seconds() < deadline:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if kept := await self._kept(caller.account, key, fingerprint):
                return kept.response(replayed=True)
        raise RequestInProgress()

    async def _kept(self, account: str, key: str, fingerprint: bytes) -> Kept | None:
        kept = await self._answers.find(account, key)
        if kept and bytes(kept.fingerprint) != fingerprint:
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


MayRepeat = Annotated[Once, Depends(Once)]


def _is_kept(refusal: LedgerError) -> bool:
    passing = isinstance(refusal, StreamBusy | CommandIdReused | RequestInProgress)
    return isinstance(refusal, Rejected | Conflict | NotFound | NotAllowed) and not passing
