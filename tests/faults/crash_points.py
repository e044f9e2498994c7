"""Every crash point once: a process dies exactly there, comes back, and in the end every invariant holds.

    python -m faults.crash_points      all of them; --points charge. only those whose name begins so
    python -m faults.crash_points --pairs    every ordered pair on a payment's path through the API: while one API is
                                             about to die at the first, the other one is at the second

One system, and a steady stream of payments and subscriptions for all of them, whose days pass in seconds: each process
that comes back is set to die at its next point, so a point costs one start of a process.
"""

import asyncio
import random
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from faults.chaos.checker import Verdict, judge
from faults.chaos.history import History
from faults.chaos.programs import Program
from faults.chaos.stories import Way
from faults.chaos.system import System, started
from faults.chaos.trial import Size, Trial
from ledger.crashpoint import POINTS, VARIABLE, Point
from support.customer import ACCEPTED_CARD

KILLED: Final = -9
LATEST_PASS: Final = 2
STORIES_A_SECOND: Final = 3.0
MOST_STORIES: Final = 60
REACHED_WITHIN_SECONDS: Final = 30.0
TRIES: Final = 3
WAYS: Final = (
    Way(3, "bca_va"),
    Way(4, "gopay", refunds="parts"),
    Way(3, "credit_card", ACCEPTED_CARD, capture="later"),
)
CANCELLED_SHARE: Final = 0.3
SUBSCRIBERS: Final = 40
A_DAY_SECONDS: Final = 4.0
SUBSCRIBE_EVERY_SECONDS: Final = 2.0
# Some charges have to be sent again, or nobody comes past the points of sending again.
TURNED_AWAY: Final = {
    "fault": "rate_limit_429",
    "share": 0.5,
    "match": {"path_contains": "/charge", "order_id_prefix": ""},
    "seconds": 1,
}


@dataclass
class Died:
    """`died` names the points in the order in which processes died there."""

    died: list[str] = field(default_factory=list)
    never_reached: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    settled: float | None = None

    @property
    def is_clean(self) -> bool:
        broken = any(one.violations for one in self.verdicts)
        return not (self.never_reached or broken or self.settled is None)


PAYMENT_PATH: Final = ("request.", "charge.", "append.", "answer.")


def pairs(points: Sequence[Point]) -> Iterator[Point]:
    """The shortest sequence that holds each ordered pair as neighbours: what a queue gives out next to each other, two
    processes are armed with at the same time.
    """
    for number, first in enumerate(points):
        yield first
        for second in points[number + 1 :]:
            yield first
            yield second
    yield points[0]


class Queue:
    """The points that processes of one kind have yet to die at."""

    def __init__(self, points: Sequence[Point], programs: Sequence[Program], died: Died) -> None:
        self._points, self._died = list(points), died
        self._tries: Counter[str] = Counter()
        self._first = programs[0].name
        self._chance = random.Random(1)
        self._armed: dict[str, tuple[Point, float]] = {}
        for one in programs:
            one.before_again = lambda code, one=one: self._came_back(one, code)  # type: ignore[misc]

    @property
    def is_done(self) -> bool:
        return not self._points and not self._armed

    def _came_back(self, one: Program, code: int) -> None:
        point, _ = self._armed.pop(one.name, (None, 0.0))
        if point and code == KILLED:
            self._died.died.append(point.name)
        elif point:
            self._points.append(point)
        one.env.pop(VARIABLE, None)
        self.arm(one)

    def arm(self, one: Program) -> None:
        """From its next start on. Notices come to the first API alone."""
        mine = [
            point
            for point in self._points
            if one.kind != "api" or one.name == self._first or not _by_notice(point)
        ]
        if not mine:
            return
        point = mine[0]
        self._points.remove(point)
        one.env[VARIABLE] = f"{point.name}#{self._chance.randint(1, LATEST_PASS)}"
        self._armed[one.name] = (point, time.monotonic())

    def give_up(self, programs: Sequence[Program]) -> list[Program]:
        """Those whose point nobody reaches; they have to be restarted to go on."""
        late = []
        for one in programs:
            point, since = self._armed.get(one.name, (None, 0.0))
            if point and time.monotonic() > since + REACHED_WITHIN_SECONDS:
                del self._armed[one.name]
                self._tries[point.name] += 1
                if self._tries[point.name] < TRIES:
                    self._points.append(point)
                else:
                    self._died.never_reached.append(point.name)
                late.append(one)
        return late


def _by_notice(point: Point) -> bool:
    return point.name.startswith("notice.")


async def die_at(points: Sequence[Point]) -> Died:
    found = Died()
    async with started() as system:
        history = History(system.folder / "history.jsonl")
        trial = Trial(system, Size(), lambda words: print(words, flush=True), history)
        trial.tell(WAYS, CANCELLED_SHARE)
        await trial.subscribers.set_up(system.shop(), SUBSCRIBERS)
        await system.gateway.set_rules(1, [TURNED_AWAY])
        going_on = [asyncio.create_task(each(trial)) for each in (_tell, _subscribe, _pass_days)]
        await _die(system, points, found)
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)
        await trial.heal()
        found.settled = await trial.settle()
        seen = await trial.seen()
        found.verdicts = await asyncio.to_thread(judge, seen)
    return found


async def _die(system: System, points: Sequence[Point], found: Died) -> None:
    kinds = {"api": system.apis, "worker": system.workers}
    queues = {
        kind: Queue([one for one in points if one.process == kind], programs, found)
        for kind, programs in kinds.items()
    }
    for kind, programs in kinds.items():
        for one in programs:  # from now on each restart arms it for the next point
            if not queues[kind].is_done:
                await one.restart()
    while not all(queue.is_done for queue in queues.values()):
        await asyncio.sleep(0.1)
        for kind, programs in kinds.items():
            for one in queues[kind].give_up(programs):
                await one.restart()
    for one in system.programs:
        one.before_again = None
        one.env.pop(VARIABLE, None)


async def _tell(trial: Trial) -> None:
    while True:
        if len(trial.stories.going) < MOST_STORIES:
            trial.stories.begin()
        await asyncio.sleep(1 / STORIES_A_SECOND)


async def _subscribe(trial: Trial) -> None:
    while trial.subscribers.begin():
        await asyncio.sleep(SUBSCRIBE_EVERY_SECONDS)


async def _pass_days(trial: Trial) -> None:
    while True:
        await asyncio.sleep(A_DAY_SECONDS)
        await trial.pass_day()


def main() -> int:
    parser = ArgumentParser(prog="python -m faults.crash_points", description=__doc__)
    parser.add_argument("--points", default="", help="only those whose name begins so")
    parser.add_argument("--pairs", action="store_true", help="all pairs on a payment's path")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    began = time.monotonic()
    points = [one for one in POINTS if one.name.startswith(asked.points)]
    if asked.pairs:
        path = [one for one in points if one.name.startswith(PAYMENT_PATH)]
        points = list(pairs([one for one in path if one.process == "api"]))
    found = asyncio.run(die_at(points))
    for name in found.died:
        print(f"died at         {name}")
    for name in found.never_reached:
        print(f"NEVER REACHED   {name}")
    for one in found.verdicts:
        if one.violations:
            print(
                f"VIOLATED        {one.number} {one.words}: {one.violations}",
                *one.examples,
                sep="\n  ",
            )
            print(*(line for lines in one.stories.values() for line in lines), sep="\n    ")
    print(f"{len(found.died)} of {len(points)} points in {time.monotonic() - began:.0f} s")
    return 0 if found.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
