"""Explanations walked to their last leaf, as somebody would who follows every `more`. Each part that leads
on is compared with what it leads to.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any, Final

import psycopg
from msgspec.structs import replace

from projections.explaining import accounts, revenue, states
from projections.explaining.story import Kept
from projections.explaining.tree import Node, nodes

NOTHING_KEPT: Final = Kept({}, frozenset())

Connection = psycopg.AsyncConnection[Any]


def of_kind(tree: Node, *kinds: str) -> Iterator[Node]:
    return (node for node in nodes(tree) if node.kind in kinds)


def leading_on(tree: Node) -> list[Node]:
    return [node for node in nodes(tree) if node.further]


async def account_trees(conn: Connection, asked: accounts.Question) -> AsyncIterator[Node]:
    """The explanation, and each that its parts lead to."""
    tree = accounts.tree(asked, await accounts.read(conn, asked), NOTHING_KEPT)
    yield tree
    for part in leading_on(tree):
        month, day = part.further.get("month"), part.further.get("day")
        onward = replace(
            asked,
            month=date.fromisoformat(f"{month}-01") if month else None,
            day=date.fromisoformat(day) if day else None,
            after=part.further.get("place"),
        )
        below = [one async for one in account_trees(conn, onward)]
        assert (below[0].amount, below[0].count) == (part.amount, part.count)
        for one in below:
            yield one


async def revenue_trees(conn: Connection, asked: revenue.Question) -> AsyncIterator[Node]:
    """The same, month before month."""
    tree = revenue.tree(asked, await revenue.read(conn, asked), NOTHING_KEPT)
    yield tree
    for part in leading_on(tree):
        month = part.further.get("month")
        onward = replace(
            asked,
            month=date.fromisoformat(f"{month}-01") if month else asked.month,
            kind=part.further.get("kind"),
            after=part.further.get("place"),
        )
        below = [one async for one in revenue_trees(conn, onward)]
        assert below[0].amount == part.amount
        for one in below:
            yield one


async def state_trees(
    conn: Connection, asked: states.Question, history: states.History
) -> AsyncIterator[Node]:
    found = await states.read(conn, asked, history)
    tree = states.tree(asked, found, history, NOTHING_KEPT)
    yield tree
    for part in leading_on(tree):
        onward = replace(asked, after=part.further["place"][0])
        below = [one async for one in state_trees(conn, onward, history)]
        assert (below[0].after, below[0].count) == (part.after, part.count)
        for one in below:
            yield one
