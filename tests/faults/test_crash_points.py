"""Crash points are listed and used, each exactly once; and dying at a handful of them leaves nothing undone.

`make crashpoints` dies at every one.
"""

import ast
from collections import Counter
from itertools import pairwise, product
from pathlib import Path
from typing import Final

from faults.crash_points import die_at, pairs
from ledger.crashpoint import POINTS

SOURCE: Final = Path(__file__).parents[2] / "src"
HANDFUL: Final = (
    "request.after_append",
    "charge.after_send",
    "refund.after_send",
    "renewal.before_append",
    "subscription.after_append",
    "earning.after_append",
    "append.after_commit",
    "answer.before_keep",
    "notice.before_done",
    "inquiry.after_ask",
    "work.after_claim",
    "follow.before_commit",
)


def used() -> Counter[str]:
    """The names of all crash points that the source calls."""
    return Counter(
        ast.literal_eval(node.args[0])
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "crashpoint"
    )


def test_every_crash_point_is_listed_and_used_once() -> None:
    listed = Counter(point.name for point in POINTS)

    assert used() == listed
    assert set(listed.values()) == {1}


def test_the_sequence_of_pairs_holds_each_once() -> None:
    found = Counter(pairwise(pairs(POINTS[:7])))

    assert found == Counter(product(POINTS[:7], repeat=2))


async def test_dying_at_a_handful_of_points_leaves_nothing_undone() -> None:
    points = [point for point in POINTS if point.name in HANDFUL]

    found = await die_at(points)

    assert sorted(found.died) == sorted(HANDFUL)
    assert found.never_reached == []
    assert [
        (one.words, one.examples, one.stories) for one in found.verdicts if one.violations
    ] == []
    assert found.settled is not None
