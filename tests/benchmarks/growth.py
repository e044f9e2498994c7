"""`make bench-growth`: the same figures at ten thousand events and at ten million, and their ratio.

    make bench-growth                             both histories are made first, in several minutes
    make bench-growth ARGS="--events 1000000"     a tenth of the large one
    make bench-growth ARGS="--rounds 5 --seconds 1"

Both lie on one server and are asked in the same rounds. Exit code 0 only when no bar is missed.

The server has room for both in its buffers, and both are in them before anything is asked, as what is in
use is on a server that has run for long: what is measured is what PostgreSQL and we do more when there is
more of everything, not how long the kernel takes to hand over a page.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from benchmarks import history, table
from benchmarks.append import append, committer
from benchmarks.growth_questions import QUESTIONS, ask, desk
from benchmarks.history import READ, History
from benchmarks.measuring import Figure, Rounds, Sample, Slot, interleaved
from benchmarks.processes import Loader, loader
from benchmarks.stage import SCHEMA, Stage, assert_safe, machine, open_stage
from ledger import logs

SMALL: Final = 10_000
LARGE: Final = 10_000_000
ROUNDS: Final = 9  # short slots, many of them: a question takes a millisecond or two
SECONDS: Final = 0.3
APPEND_SECONDS: Final = 1.0
CALLERS: Final = (8, 32)
BAR: Final = 1 / 1.15
EVENT_BYTES: Final = 1_700  # with all that read models make of it, and a little room
ROOM_BYTES: Final = 512 << 20
PART_OF_MEMORY: Final = 0.7  # at most for the buffers
WALKS: Final = """
select format('select count(*) from (select from %%s %%s order by %%s offset 0) as every', indrelid::regclass,
    'where ' || pg_get_expr(indpred, indrelid), keys)
from pg_index join pg_class on pg_class.oid = indrelid,
    split_part(split_part(pg_get_indexdef(indexrelid), ' WHERE ', 1), ' INCLUDE ', 1) as definition,
    substring(definition from ' USING btree \\((.*)\\)$') as keys
where relnamespace = any(%s::regnamespace[]) and keys is not null
"""
SIZES: Final = {
    "log": "select pg_table_size(c.oid), pg_indexes_size(c.oid) from pg_class c where c.oid = 'events'::regclass",
    "read models": (
        "select sum(pg_table_size(c.oid))::bigint, sum(pg_indexes_size(c.oid))::bigint"
        " from pg_class c where c.relkind = 'r' and c.relnamespace = %s::regnamespace"
    ),
}


class Ledger(NamedTuple):
    conninfo: str
    history: History


def main(words: Sequence[str] | None = None) -> int:
    asked = _asked(words)
    console = Console(width=max(Console().width, 150))
    logs.set_up("error", as_json=False)
    about = machine()
    buffers = min(EVENT_BYTES * asked.events + ROOM_BYTES, int(PART_OF_MEMORY * _memory()))
    with open_stage({"shared_buffers": f"{buffers >> 20}MB"}, warm=False) as stage:
        small = _made(stage, "small", asked.small, console)
        large = _made(stage, "large", asked.events, console)
        figures = measure(stage, small, large, asked.rounds, asked.seconds)
    table.show(figures, console)
    table.write(figures, about, asked.json)
    if asked.markdown:
        asked.markdown.write_text(table.as_markdown(figures), encoding="utf-8")
    return 1 if any(figure.reached is False for figure in figures) else 0


def measure(
    stage: Stage, small: Ledger, large: Ledger, rounds: int, seconds: float
) -> list[Figure]:
    sizes = [figure for ledger in (small, large) for figure in _sizes(ledger)]
    with (
        loader(desk, *small) as few,
        loader(desk, *large) as many,
    ):
        answered = interleaved(_questions(few, many, seconds), rounds)
    appended = interleaved(_appends(stage, small, large), rounds)
    assert_safe(large.conninfo)
    return [
        *(_ratio(answered, name, 1, large) for name in QUESTIONS),
        *(_ratio(appended, f"append, {callers} callers", callers, large) for callers in CALLERS),
        *sizes,
    ]


def _made(stage: Stage, name: str, events: int, console: Console) -> Ledger:
    conninfo = stage.fresh_database(name)
    began = time.monotonic()
    with building(console) as told:
        made = history.build(conninfo, events, told)
    took = time.monotonic() - began
    console.print(
        f"{made.events:,} events of {made.payments:,} payments: {took:.0f} s", style="dim"
    )
    began = time.monotonic()
    _read_all(conninfo)
    console.print(f"all of it read into the buffers: {time.monotonic() - began:.0f} s", style="dim")
    return Ledger(conninfo, made)


def _read_all(conninfo: str) -> None:
    """Tables by a vacuum that may use all buffers, and indexes by walking along each."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("vacuum (disable_page_skipping, buffer_usage_limit 0)")
        for way in ("seqscan", "bitmapscan", "sort"):
            conn.execute(f"set enable_{way} = off".encode())
        for (walk,) in conn.execute(WALKS.encode(), [[SCHEMA, READ]]).fetchall():
            conn.execute(walk.encode())


def _memory() -> int:
    """Of this machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@contextmanager
def building(console: Console) -> Iterator[Callable[[int, int], None]]:
    """Rate and remaining time on a terminal; elsewhere nothing."""
    columns = (
        TextColumn("building"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=None, rate="")

        def told(made: int, of: int) -> None:
            speed = progress.tasks[0].speed
            rate = f"{speed:,.0f} events/s" if speed else ""
            progress.update(task, completed=made, total=of, rate=rate)

        yield told


def _questions(few: Loader, many: Loader, seconds: float) -> dict[str, Slot]:
    """One beside the other; each is asked once before, so that its plan is made."""
    slots: dict[str, Slot] = {}
    for name in QUESTIONS:
        for size, callers in (("small", few), ("large", many)):
            callers.run(ask, name, seconds / 3)
            slots[f"{size} {name}"] = lambda n=name, c=callers: c.run(ask, n, seconds)  # type: ignore[misc]
    return slots


def _appends(stage: Stage, small: Ledger, large: Ledger) -> dict[str, Slot]:
    """The small history is made anew for each slot: otherwise it would grow tenfold meanwhile."""

    def to_small(callers: int) -> Sample:
        conninfo = stage.fresh_database("appended")
        history.build(conninfo, small.history.events)
        found = _appended(conninfo, callers)
        assert_safe(conninfo)
        return found

    slots: dict[str, Slot] = {}
    for callers in CALLERS:
        name = f"append, {callers} callers"
        slots[f"small {name}"] = lambda c=callers: to_small(c)  # type: ignore[misc]
        slots[f"large {name}"] = lambda c=callers: _appended(large.conninfo, c)  # type: ignore[misc]
    return slots


def _appended(conninfo: str, callers: int) -> Sample:
    """By a process that has warmed up."""
    with loader(committer, conninfo) as opened:
        opened.run(append, callers, APPEND_SECONDS / 3)
        found: Sample = opened.run(append, callers, APPEND_SECONDS)
        return found


def _ratio(found: Rounds, name: str, clients: int, large: Ledger) -> Figure:
    return Figure(
        name=name,
        clients=clients,
        kind="ratio",
        ours=found[f"large {name}"],
        floor=found[f"small {name}"],
        floor_name="the small history",
        bar=BAR,
        notes={"events": large.history.events},
    )


def _sizes(ledger: Ledger) -> Iterator[Figure]:
    made = ledger.history
    with psycopg.connect(ledger.conninfo) as conn:
        conn.execute(f'set search_path = "{SCHEMA}"'.encode())
        for what, query in SIZES.items():
            values = [READ] if "%s" in query else []
            rows, indexes = conn.execute(query.encode(), values).fetchone() or (0, 0)
            for part, size in (("rows", rows), ("indexes", indexes)):
                yield Figure(
                    name=f"{what}, {part}, a payment, of {made.events:,} events",
                    clients=0,
                    kind="amount",
                    ours=(),
                    value=size / made.payments,
                    unit="bytes",
                    notes={"per_event": size / made.events, "payments": made.payments},
                )


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-growth")
    parser.add_argument("--events", type=int, default=LARGE)
    parser.add_argument("--small", type=int, default=SMALL)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", type=Path, default=Path("build/bench-growth.json"))
    parser.add_argument("--markdown", type=Path)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
