"""Writers that hold their transactions open, wait for one another, and end in any order; a schedule is
a seed.

Each writer is a connection of its own, spoken to without waiting for its answer, so that one thread
decides what happens before what.
"""

import random
import select
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg import pq

from ledger.events import Metadata, Recorded
from ledger.eventstore.mapping import EventMapper
from support.log_rows import Command
from support.payment_lives import SETTLED, START, lived

Row = tuple[int, str, int]  # position, stream, version
Statement = Callable[[psycopg.Connection[Any], Sequence[Command]], bytes]
Refused = Callable[[str | None], dict[str, int | None]]

MOST_WRITERS: Final = 6
PIECES: Final = (slice(0, 3), slice(3, 4), slice(4, 6), slice(6, 8))  # of a life: one append each
ENDS: Final = ("commit", "commit", "rollback")
PATIENCE_SECONDS: Final = 10.0
WAITING: Final = "select from pg_locks where pid = %s and not granted"

_MAPPER: Final = EventMapper()


class Writer:
    """A transaction: begun and asked at once, then waiting for another one or held open."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.commands: Sequence[Command] = ()
        self.accepted: Sequence[Command] = ()
        self._wire = connection.pgconn

    def ask(self, query: bytes, commands: Sequence[Command]) -> None:
        self.commands = commands
        self._wire.send_query(b"begin;" + query)

    def answered(self, within_seconds: float) -> bool:
        if self._wire.is_busy():
            select.select([self._wire.socket], [], [], within_seconds)
            self._wire.consume_input()
        return not self._wire.is_busy()

    def answer(self) -> str | None:
        """The first value of the last statement."""
        value = None
        while result := self._wire.get_result():
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise AssertionError(result.error_message.decode())
            value = result.get_value(0, 0) if result.ntuples else None
        return None if value is None else value.decode()

    def end(self, word: str) -> None:
        self._wire.send_query(word.encode())
        self.answer()


class Books:
    """What the log must hold: the commands whose transactions were committed, in that order."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.versions: Counter[str] = Counter()
        self.met: Counter[str] = Counter()  # what the schedules came across
        self._results: dict[str, int] = {}

    def judge(self, commands: Sequence[Command]) -> dict[str, int | None]:
        """Those to be refused if they came now: repeated ones, and those whose version is taken."""
        return {
            name: self._results.get(name)
            for name, events in commands
            if name in self._results or not self._follows(events[0])
        }

    def commit(self, commands: Sequence[Command]) -> None:
        for name, events in commands:
            for event in events:
                stream, version = str(event.originator_id), event.originator_version
                self.rows.append((len(self.rows) + 1, stream, version))
                self.versions[stream] = version
            self._results[name] = len(self.rows)

    def _follows(self, first: StoredEvent) -> bool:
        return first.originator_version == self.versions[str(first.originator_id)] + 1


class Means(NamedTuple):
    """How commands are written, how the answer says which were refused, and whether writers may
    want the same.
    """

    statement: Statement
    refused: Refused
    rivals: bool


class Interleaving:
    """One schedule. `consume` is called while somebody holds on, and after every end."""

    def __init__(
        self,
        seed: int,
        connections: Sequence[psycopg.Connection[Any]],
        watch: psycopg.Connection[Any],
        books: Books,
        means: Means,
    ) -> None:
        self._chance = random.Random(seed)
        writers = self._chance.randint(2, MOST_WRITERS)
        self._idle = [Writer(connection) for connection in connections[:writers]]
        self._waiting: list[Writer] = []
        self._holding: list[Writer] = []
        self._watch, self._books, self._means = watch, books, means
        self._lives = [_Life(f"pay_{seed}_{n}", seed) for n in range(self._chance.randint(1, 3))]
        self._alone = iter([_Life(f"pay_{seed}_{n}", seed) for n in range(writers)])

    def run(self, consume: Callable[[], None]) -> None:
        while self._idle or self._holding:
            if self._idle and (not self._holding or self._chance.random() < 0.7):
                self._begin(self._idle.pop())
                continue
            if self._chance.random() < 0.7:
                self._books.met["read while one holds on"] += 1
                consume()
            self._release(self._holding.pop(self._chance.randrange(len(self._holding))))
        consume()
        assert not self._waiting, "a writer waits for nobody"

    def _begin(self, writer: Writer) -> None:
        lives = [next(self._alone)]
        if self._means.rivals:
            lives = self._chance.sample(self._lives, self._chance.randint(1, len(self._lives)))
        commands = [life.command(self._chance, self._books) for life in lives]
        writer.ask(self._means.statement(writer.connection, commands), commands)
        self._waiting.append(writer)
        while not writer.answered(0.001):
            if self._watch.execute(WAITING, [writer.connection.info.backend_pid]).rowcount:
                self._books.met["waits"] += 1
                return
        self._hold(writer)

    def _release(self, writer: Writer) -> None:
        word = self._chance.choice(ENDS)
        writer.end(word)
        self._books.met[word] += 1
        if word == "commit":
            self._books.commit(writer.accepted)
        if not self._holding and self._waiting:
            self._hold(self._next())

    def _hold(self, writer: Writer) -> None:
        """What the writer was told must be what the log as committed by now makes of it."""
        self._waiting.remove(writer)
        self._holding.append(writer)
        refused = self._means.refused(writer.answer())
        assert refused == self._books.judge(writer.commands)
        for first in refused.values():
            self._books.met["conflict" if first is None else "repeat"] += 1
        writer.accepted = [command for command in writer.commands if command[0] not in refused]

    def _next(self) -> Writer:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            for writer in self._waiting:
                if writer.answered(0.001):
                    return writer
        raise AssertionError("nobody gets the lock")


class _Life:
    """A payment from request to settlement; writers may want to write the same piece of it."""

    def __init__(self, payment_id: str, seed: int) -> None:
        self._id = payment_id
        self._facts = lived(payment_id, *SETTLED, seed=seed)

    def command(self, chance: random.Random, books: Books) -> Command:
        """The next piece under the id that every other writer would give it, or under another; or
        a piece that stands in the log already.
        """
        done = sum(books.versions[self._id] >= piece.stop for piece in PIECES)
        back = chance.random() < 0.2
        number = min(max(done - back, 0), len(PIECES) - 1)
        name = f"cmd_{self._id}_{number}"
        if chance.random() < 0.3:
            name += f"_{chance.random()}"
        return name, list(self._stored(PIECES[number], name))

    def _stored(self, piece: slice, command_id: str) -> Iterator[StoredEvent]:
        metadata = Metadata(command_id=command_id, actor="test", recorded_at=START)
        for version, fact in enumerate(self._facts[piece], start=piece.start + 1):
            yield _MAPPER.to_stored_event(
                Recorded(
                    stream=self._id, version=version, event=fact, metadata=metadata, position=0
                )
            )


@contextmanager
def writers(conninfo: str) -> Iterator[Sequence[psycopg.Connection[Any]]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(psycopg.connect(conninfo, autocommit=True))
            for _ in range(MOST_WRITERS)
        ]
