"""P1's dense writer: a process that appends as fast as PostgreSQL commits and logs what was acknowledged, while
PostgreSQL is killed under it. The slow mix of commands does not see an acknowledged commit that was not on disk; this
does (reliability.md 5.5, M4).

    python -m faults.chaos.dense_writer PLACE     writes ids to PLACE until it is ended
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from api.wiring import prepare
from faults.chaos.programs import Database, Program, python, tests_on_path
from ledger.errors import Unavailable
from ledger.eventstore.committer import Committer, NewEvent, VersionConflict
from ledger.eventstore.connections import connect_for_calls
from ledger.identity import new_id
from ledger.settings import Settings
from projections.replaying import verify_chain
from support.running import SCHEMA

CALLERS: Final = 48
LEAST_PER_SECOND: Final = 500.0
KILLS: Final = 8
DATABASE: Final = "dense"
TOPIC: Final = "payment.settled.v1"
STATE: Final = b'{"m":{},"d":{"padding":"' + b"x" * 200 + b'"}}'
WRITES_AGAIN_WITHIN_SECONDS: Final = 60.0


class Dense(msgspec.Struct, kw_only=True):
    kills: int = 0
    acknowledged: int = 0
    commands_per_second: float = 0.0  # while PostgreSQL was up
    commits_per_second: float = 0.0
    lost: int = 0
    chain: str = ""  # what is wrong with it
    examples: list[str] = []

    @property
    def holds(self) -> bool:
        dense = self.commands_per_second >= LEAST_PER_SECOND
        return dense and not self.lost and not self.chain


# ── the process ───────────────────────────────────────────────────────────────────────────────────────────────────


async def write(conninfo: str, place: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    committer = Committer(partial(connect_for_calls, conninfo, SCHEMA))
    with place.open("ab", buffering=0) as log:

        def acknowledged(command_id: str) -> None:
            log.write(f"{time.time():.3f} {committer.batches} {command_id}\n".encode())

        await asyncio.gather(*(_append(committer, stop, acknowledged) for _ in range(CALLERS)))
    await committer.close()


async def _append(
    committer: Committer, stop: asyncio.Event, acknowledged: Callable[[str], None]
) -> None:
    """One command after the other, each repeated under its id until it is acknowledged."""
    while not stop.is_set():
        command_id, event = new_id("cmd"), NewEvent(new_id("pay"), 1, TOPIC, STATE)
        while not stop.is_set():
            try:
                outcome = await committer.append(command_id, b"f" * 32, [event])
            except Unavailable:
                await asyncio.sleep(0.05)
                continue
            if isinstance(outcome, VersionConflict):
                raise AssertionError(f"{command_id} on a stream of its own: a conflict")
            acknowledged(command_id)
            break


# ── its killer ────────────────────────────────────────────────────────────────────────────────────────────────────


async def kill_under_it(
    postgres: Database, settings: Settings, folder: Path, kills: int = KILLS, seed: int = 1
) -> Dense:
    conninfo = await asyncio.to_thread(fresh, settings)
    return await kill_under(postgres, conninfo, folder, kills, seed)


async def kill_under(
    postgres: Database, conninfo: str, folder: Path, kills: int, seed: int
) -> Dense:
    place, chance, down = folder / "acknowledged", random.Random(f"dense {seed}"), 0.0
    place.unlink(missing_ok=True)
    place.touch()
    found = Dense()
    with _writing(conninfo, place, folder / "dense_writer.log") as writer:
        await _writes(place, writer)
        began = time.monotonic()
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.4, 1.2))
            killed = time.monotonic()
            found.kills += await postgres.kill()
            await _writes(place, writer)
            down += time.monotonic() - killed
        await asyncio.sleep(0.5)
        up = time.monotonic() - began - down
        await writer.end()
    lines = [line.split() for line in place.read_text().splitlines()]
    found.acknowledged = len(lines)
    found.commands_per_second = round(len(lines) / up, 1)
    found.commits_per_second = round(int(lines[-1][1]) / up, 1)
    lost = {command_id for _, _, command_id in lines} - _kept(conninfo)
    found.lost, found.examples = len(lost), sorted(lost)[:5]
    report = await asyncio.to_thread(verify_chain, conninfo, SCHEMA)
    found.chain = report.finding.words if report.finding else ""
    return found


def fresh(settings: Settings) -> str:
    """A ledger of its own on the same server."""
    given = settings.database_url.get_secret_value()
    with psycopg.connect(given, autocommit=True) as conn:
        conn.execute(f'drop database if exists "{DATABASE}" with (force)'.encode())
        conn.execute(f'create database "{DATABASE}"'.encode())
    conninfo = make_conninfo(given, dbname=DATABASE)
    prepare(settings.model_copy(update={"database_url": SecretStr(conninfo)}))
    return conninfo


@contextmanager
def _writing(conninfo: str, place: Path, log_file: Path) -> Iterator[Program]:
    read_end, write_end = os.pipe()
    argv = python("faults.chaos.dense_writer", str(place))
    env = {**os.environ, "DENSE_DATABASE": conninfo, **tests_on_path()}
    writer = Program("dense writer", "writer", argv, env, log_file, read_end)
    writer.start()
    try:
        yield writer
    finally:
        if writer.is_running:
            os.kill(writer.pid, signal.SIGKILL)
        os.close(read_end)
        os.close(write_end)


async def _writes(place: Path, writer: Program) -> None:
    """Until something new is acknowledged."""
    size, until = place.stat().st_size, time.monotonic() + WRITES_AGAIN_WITHIN_SECONDS
    while place.stat().st_size == size:
        if time.monotonic() > until or not writer.is_running:
            raise RuntimeError(
                f"the dense writer does not write: {writer.log_file.read_text()[-2000:]}"
            )
        await asyncio.sleep(0.02)


def _kept(conninfo: str) -> set[str]:
    with psycopg.connect(conninfo) as conn:
        conn.execute(f'set search_path = "{SCHEMA}"'.encode())
        rows = conn.execute("select command_id from events where command_id is not null")
        return {command_id for (command_id,) in rows}


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(write(os.environ["DENSE_DATABASE"], Path(sys.argv[1])))
