"""What a round measures, and what is made of many rounds.

Ours and the floor run in the same round, one after the other, because this machine may be twice as
busy a minute later: a figure is the median of the rounds' own ratios, never a ratio of medians.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal

ROUNDS: Final = 5
SLOT_SECONDS: Final = 1.5

Kind = Literal["ratio", "rate", "p99", "amount", "least"]


@dataclass(frozen=True)
class Sample:
    """One slot. Percentiles are of what a caller waited; NaN where nobody waited by the piece."""

    per_s: float
    p50_ms: float = math.nan
    p99_ms: float = math.nan


Slot = Callable[[], Sample]
Rounds = Mapping[str, Sequence[Sample]]


def interleaved(slots: Mapping[str, Slot], rounds: int) -> Rounds:
    """Every slot once a round; every second round backwards, so that no slot always comes first."""
    found: dict[str, list[Sample]] = {name: [] for name in slots}
    for number in range(rounds):
        names = list(slots) if number % 2 == 0 else list(slots)[::-1]
        for name in names:
            found[name].append(slots[name]())
    return found


def sample(waited: Sequence[float], seconds: float, *, each: int = 1) -> Sample:
    """Of waits in seconds; `each` of them stands for so many operations."""
    if not waited:
        return Sample(0.0)
    ordered = sorted(waited)
    at = [
        ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1_000 for share in (0.5, 0.99)
    ]
    return Sample(len(waited) * each / seconds, *at)


def together(samples: Sequence[Sample]) -> Sample:
    """Of processes that ran side by side: rates add up, the slower one's waits count."""
    return Sample(
        sum(one.per_s for one in samples),
        max(one.p50_ms for one in samples),
        max(one.p99_ms for one in samples),
    )


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. `kind` says what the bar is about; without a bar it only informs.

    ratio    ours over the floor, at least the bar
    rate     ours in a second, at least the bar
    p99      milliseconds, at most the bar
    amount   `value`, at most the bar; `unit` says of what
    least    `value`, at least the bar
    """

    name: str
    clients: int
    kind: Kind
    ours: Sequence[Sample]
    floor: Sequence[Sample] = ()
    floor_name: str = ""
    bar: float | None = None
    value: float = math.nan
    unit: str = ""
    notes: Mapping[str, float] = field(default_factory=dict)

    @property
    def ours_per_s(self) -> float:
        return median(one.per_s for one in self.ours) if self.ours else math.nan

    @property
    def floor_per_s(self) -> float:
        return median(one.per_s for one in self.floor) if self.floor else math.nan

    @property
    def ratio(self) -> float:
        if not self.floor:
            return math.nan
        pairs = zip(self.ours, self.floor, strict=True)
        return median(ours.per_s / max(floor.per_s, 1e-9) for ours, floor in pairs)

    @property
    def p50_ms(self) -> float:
        return median(one.p50_ms for one in self.ours) if self.ours else math.nan

    @property
    def p99_ms(self) -> float:
        return median(one.p99_ms for one in self.ours) if self.ours else math.nan

    @property
    def reached(self) -> bool | None:
        """None when there is nothing to reach."""
        if self.bar is None:
            return None
        if self.kind in ("p99", "amount"):
            return self.measured <= self.bar
        return self.measured >= self.bar

    @property
    def measured(self) -> float:
        """The number that is held against the bar."""
        by_kind = {"ratio": self.ratio, "rate": self.ours_per_s, "p99": self.p99_ms}
        return by_kind.get(self.kind, self.value)
