"""Followers in threads of their own, events that cannot be applied, and waiting for what they lead to."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from projections import AT_POISON, GROUPS
from projections.engine.follower import Follower
from projections.engine.read_model import Batch, Cursor, ReadModel
from support.log_rows import SCHEMA
from support.read_side import ReadSide

GARBAGE = b'{"m": 1, "d": "Siti"}'


class Choking:
    """A read model that cannot take in some events of one stream, though they can be read."""

    def __init__(self, model: ReadModel, stream: str, version: int = 0) -> None:
        self.NAME, self.TABLES, self.SQL = model.NAME, model.TABLES, model.SQL
        self.FOLLOWS = model.FOLLOWS
        self._model, self._stream, self._version = model, stream, version

    def apply(self, batch: Batch, cursor: Cursor) -> None:
        self._model.apply(batch, cursor)
        for recorded in batch:
            if recorded.stream == self._stream and recorded.version >= self._version:
                raise ValueError(f"no place for {recorded.event}")


@contextmanager
def running(*followers: Follower) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=follower.run, args=(stop,)) for follower in followers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


def eventually(what: Callable[[], Any], seconds: float = 20.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up_at, "it did not come true in time"
        time.sleep(0.02)


def as_deployed(
    read_side: ReadSide, group: str, models: Sequence[ReadModel] | None = None
) -> Follower:
    parks = AT_POISON[group] == "park"
    return Follower(read_side.conninfo, SCHEMA, group, models or GROUPS[group], parks=parks)


def choking(group: str, name: str, stream: str, version: int = 0) -> list[ReadModel]:
    """The read models of a group, of which one has a fault."""
    models = GROUPS[group]
    return [Choking(m, stream, version) if name == m.NAME else m for m in models]


def poison(read_side: ReadSide, position: int) -> Callable[[], None]:
    """Make an event unreadable where it stands; what is given back repairs it."""
    (was,) = read_side.rows("select state from events where notification_id = %s", position)
    _put(read_side, position, GARBAGE)
    return lambda: _put(read_side, position, was["state"])


def _put(read_side: ReadSide, position: int, state: bytes) -> None:
    read_side.log.tamper("select 1")
    with psycopg.connect(read_side.conninfo) as admin:
        statement = b"update bukubesar.events set state = %s where notification_id = %s"
        admin.execute(statement, [state, position])


def aside(read_side: ReadSide) -> list[tuple[str, int, str, str]]:
    rows = read_side.rows("select * from quarantine order by read_group, position")
    return [(r["read_group"], r["position"], r["stream"], r["outcome"]) for r in rows]
