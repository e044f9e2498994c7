"""A group of read models made again from the first event, beside the live one, and put in its place.

The live one is read and followed meanwhile. Where it can be, it is compared with what the log says:
both stand at the same event for the moment in which a snapshot of them begins. Afterwards live is
what a replay gives, or everything is as it was.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

import msgspec
import psycopg

from ledger import clock
from ledger.errors import Conflict, NotFound, Unavailable
from ledger.eventstore.migrate import LogNames
from projections import GROUPS, reporting
from projections.auditing import Finding
from projections.comparing import Comparison, compare
from projections.engine import connections, log, rebuild, swap
from projections.engine.digests import Side
from projections.engine.follower import Follower
from projections.engine.positions import Positions
from projections.engine.replay import Stop, replay
from projections.engine.swap import Place
from projections.sides import put_aside, schema_of_ones_own, snapshot, standing
from projections.steps import Progress, silent

SWAP_WITHIN_SECONDS: Final = 120.0
BETWEEN_TRIES_SECONDS: Final = 0.4  # in which who has waited gets to read
NEAR: Final = log.LARGEST_PAGE  # events that are applied at once

Connection = psycopg.Connection[Any]


class GroupUnknown(NotFound):
    code = "read_models_unknown"
    title = "There is no such group of read models."


class ReadModelsInUse(Unavailable):
    code = "read_models_in_use"
    title = "Somebody has been reading the tables all the time, so they were not swapped; nothing has changed."


class ReadModelsBuiltUpon(Conflict):
    code = "read_models_built_upon"
    title = (
        "Something of your own stands on the tables, so they were not swapped; nothing has changed."
    )


class Swapped(NamedTuple):
    milliseconds: float  # the longest that a reader may have waited for it
    tries: int
    streams: Sequence[str]  # that had been parked


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    group: str
    position: int
    seconds: float
    swap_milliseconds: float
    swap_tries: int
    equal: dict[str, bool]  # what was live by read model; empty where it was not compared
    not_compared: str  # why
    streams: list[str]  # that are parked no more
    finding: Finding | None  # what was live and is not what the log says


def check_group(group: str) -> None:
    if group not in GROUPS:
        raise GroupUnknown(f"There is no group {group}, only {', '.join(GROUPS)}.", group=group)


def rebuild_live(conninfo: str, schema: str, group: str, progress: Progress = silent) -> Rebuilt:
    """Raises GroupUnknown, EventNotApplied, ReadModelsInUse and ReadModelsBuiltUpon."""
    check_group(group)
    began = clock.monotonic_seconds()
    with schema_of_ones_own(conninfo, schema, "rebuild") as fresh:
        beside = _Beside(conninfo, schema, group, fresh, progress)
        found, why_not = beside.compared()
        swapped = beside.swapped()
    return Rebuilt(
        group=group,
        position=beside.follower.position,
        seconds=clock.monotonic_seconds() - began,
        swap_milliseconds=swapped.milliseconds,
        swap_tries=swapped.tries,
        equal=found.equal,
        not_compared=why_not,
        streams=list(swapped.streams),
        finding=found.finding,
    )


class _Beside:
    """The group's tables in a read schema of their own, and how far they are."""

    def __init__(
        self, conninfo: str, schema: str, group: str, fresh: Side, progress: Progress
    ) -> None:
        self._conninfo, self._schema, self._group = conninfo, schema, group
        self._fresh, self._progress = fresh, progress
        self._models = GROUPS[group]
        self._names = LogNames(schema)
        self._place = Place(self._names, fresh.schema, group, self._models)
        self._position = 0
        self.follower = Follower(
            conninfo,
            schema,
            group,
            self._models,
            read_schema=fresh.schema,
            report=lambda _, position, lag: progress("catching up", position, position + lag),
        )
        groups = {group: self._models}
        rebuild.create(fresh.connection, conninfo, schema, fresh.schema, groups, indexes=False)

    def compared(self) -> tuple[Comparison, str]:
        """With the live ones, or why not."""
        head, position, why_not = self._standing()
        if why_not:
            return Comparison({}, None), why_not
        while position - self._position > NEAR:
            self._fill(position, head)
            head, position, _ = self._standing()
        with self._both_at_the_same_event() as live:
            replayed = {model.NAME: self._fresh for model in self._models}
            one = Side(live, self._names.read_schema)
            return compare(one, replayed, self._models, self._progress), ""

    def swapped(self) -> Swapped:
        """At the head of the log."""
        self._fill_to_the_head()
        self._begin_to_follow()
        began = clock.monotonic_seconds()
        tries = 0
        while True:
            tries += 1
            self.follower.catch_up(self._fresh.connection)
            try:
                streams, seconds = self._swap()
            except swap.BuiltUpon as error:
                views = ", ".join(error.views)
                raise ReadModelsBuiltUpon(f"{ReadModelsBuiltUpon.title} {views}.") from error
            except swap.GAVE_UP as error:
                waited = clock.monotonic_seconds() - began
                if waited > SWAP_WITHIN_SECONDS:
                    raise self._in_use() from error
            else:
                return Swapped(seconds * 1_000, tries, streams)
            self._progress("seconds waited", int(waited), int(SWAP_WITHIN_SECONDS))
            time.sleep(BETWEEN_TRIES_SECONDS)

    def _standing(self) -> tuple[int, int, str]:
        """The head of the log, where the live group is, and why it cannot be compared."""
        with connections.connect(self._conninfo, self._schema) as live:
            head, positions = standing(live, self._conninfo, self._schema)
            aside = put_aside(live)
        position = positions[self._group]
        parked = [e for e in aside if e.group == self._group and e.outcome == "parked"]
        if position > head:
            return head, position, "the live ones have seen more than the log holds"
        return head, position, "the live ones have parked streams" if parked else ""

    @contextmanager
    def _both_at_the_same_event(self) -> Iterator[Connection]:
        """The live side as it is there. No follower is at work until that is seen; then they go on."""
        with ExitStack() as held:
            with (
                connections.connect(self._conninfo, self._schema) as turn,
                turn.transaction(),
                turn.cursor() as cursor,
            ):
                swap.take_turn(cursor, self._names.read_schema, self._group)
                positions = Positions(self._conninfo, self._schema, self._names.read_schema)
                self._fill(positions.read(cursor, self._group))
                live = held.enter_context(snapshot(self._conninfo, self._schema))
            yield live

    def _fill(self, until: int, head: int = 0) -> None:
        if until <= self._position:
            return

        def told(position: int) -> None:
            self._progress("replaying", position, max(until, head))

        with connections.connect(self._conninfo, self._schema) as source:
            replay(
                source,
                lambda model: connections.connect(self._conninfo, self._schema, self._fresh.schema),
                [Stop(self._models, until)],
                after=self._position,
                progress=told,
            )
        self._position = until

    def _fill_to_the_head(self) -> None:
        while True:
            with connections.connect(self._conninfo, self._schema) as source:
                head = log.head(source.cursor())
            if head - self._position <= NEAR:
                break
            self._fill(head, head)

    def _begin_to_follow(self) -> None:
        connection = self._fresh.connection
        with connection.transaction(), connection.cursor() as cursor:
            positions = Positions(self._conninfo, self._schema, self._fresh.schema)
            positions.advance(cursor, self._group, 0, self._position)
            for model in self._models:
                rebuild.create_indexes(cursor, model)
        self.follower.catch_up(connection)
        rebuild.analyze(connection, self._models)
        swap.grant(connection, self._place)

    def _swap(self) -> tuple[Sequence[str], float]:
        """The streams that are parked no more, and for how long tables were asked for and held."""
        connection = self._fresh.connection
        with connection.transaction(), connection.cursor() as cursor:
            swap.take_turn(cursor, self._names.read_schema, self._group)
            self.follower.catch_up(connection)
            prepared = swap.prepare(cursor, self._place)
            began = clock.monotonic_seconds()
            swap.swap(cursor, self._place, prepared, reporting.install)
        seconds = clock.monotonic_seconds() - began
        swap.drop_replaced(connection, self._place)
        return prepared.streams, seconds

    def _in_use(self) -> ReadModelsInUse:
        holders = swap.who_holds(self._fresh.connection, self._place)
        by = f" They are held by: {', '.join(holders)}." if holders else ""
        return ReadModelsInUse(f"{ReadModelsInUse.title}{by}", holders=holders)
