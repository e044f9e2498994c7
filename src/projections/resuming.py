"""Read models that have put events aside, followed again once what was wrong is repaired.

A group that halted goes on from there. One that parked streams has to see them from their first
events, so it is made again (rebuilding.py).
"""

from collections.abc import Sequence
from typing import NamedTuple

from projections import GROUPS
from projections.engine import connections
from projections.engine.follower import Follower
from projections.rebuilding import check_group, rebuild_live
from projections.sides import put_aside
from projections.steps import Progress, silent


class Resumed(NamedTuple):
    group: str
    position: int
    rebuilt: bool
    streams: Sequence[str]  # that had been parked


def resume(conninfo: str, schema: str, group: str, progress: Progress = silent) -> Resumed | None:
    """None when nothing had been put aside. Raises as `rebuild_live` does: EventNotApplied when it is
    not repaired; then everything is as it was.
    """
    check_group(group)
    with connections.connect(conninfo, schema) as live:
        aside = [event for event in put_aside(live) if event.group == group]
        if any(event.outcome == "parked" for event in aside):
            done = rebuild_live(conninfo, schema, group, progress)
            return Resumed(group, done.position, True, done.streams)
        if not aside:
            return None
        follower = Follower(
            conninfo,
            schema,
            group,
            GROUPS[group],
            report=lambda _, position, lag: progress("following", position, position + lag),
        )
        follower.catch_up(live)
        return Resumed(group, follower.position, False, ())
