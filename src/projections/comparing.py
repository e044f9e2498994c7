"""Whether the replayed tables are the live ones, byte for byte, and if not, the first row that
differs.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from projections.auditing import Finding
from projections.engine.digests import Side, digest, first_difference, layout, size
from projections.engine.read_model import ReadModel
from projections.steps import Progress

Seen = Callable[[int], None]  # rows of a table so far


class Comparison(NamedTuple):
    equal: dict[str, bool]  # by read model
    finding: Finding | None


def compare(
    live: Side, replayed: Mapping[str, Side], models: Sequence[ReadModel], progress: Progress
) -> Comparison:
    """`replayed` by name of the read model."""
    sides = {table: replayed[model.NAME] for model in models for table in model.TABLES}
    sizes = {table: size(side, table) for table, side in sides.items()}
    total, done = sum(sizes.values()), 0
    different: list[str] = []
    for table, side in sides.items():

        def seen(rows: int, before: int = done) -> None:
            progress("comparing", before + rows, total)

        if not is_same(live, side, table, seen):
            different.append(table)
        done += sizes[table]
    progress("comparing", done, total)
    equal = {model.NAME: not set(model.TABLES) & set(different) for model in models}
    first = next(iter(different), None)
    return Comparison(equal, _difference(live, sides[first], first) if first else None)


def is_same(live: Side, replayed: Side, table: str, seen: Seen = lambda rows: None) -> bool:
    """By layout and digest."""
    if layout(live, table) != layout(replayed, table):
        return False
    with ThreadPoolExecutor(2) as both:  # each side is worked on by a server process of its own
        one = both.submit(digest, live, table)
        other = both.submit(digest, replayed, table, seen)
        return one.result() == other.result()


def _difference(live: Side, replayed: Side, table: str) -> Finding:
    if layout(live, table) != layout(replayed, table):
        words = f"{table} was made by another version of the program: rebuild it"
        return Finding(rule="layout", words=words, table=table)
    words = f"the live row of {table} is not what the log says"
    with replayed.connection.transaction():
        found = first_difference(live, replayed, table)
    if found is None:
        return Finding(rule="read model", words=words, table=table)
    return Finding(
        rule="read model",
        words=words,
        table=table,
        key=found.key,
        live=found.live,
        replayed=found.replayed,
    )
