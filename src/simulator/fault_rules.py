"""Which request meets which fault: traps for requests to come, and shares drawn by rule and seed."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from simulator import draws
from simulator.faults import FAULTS
from simulator.sight import Sight
from simulator.transactions import Fields

DEFAULT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Match:
    path_contains: str = ""
    order_id_prefix: str = ""

    @classmethod
    def read(cls, asked: Any) -> Self:
        return cls(**{name: str(value) for name, value in (asked or {}).items()})

    def fits(self, sight: Sight) -> bool:
        return self.path_contains in sight.path and sight.order_id.startswith(self.order_id_prefix)

    def describe(self) -> Fields:
        return {"path_contains": self.path_contains, "order_id_prefix": self.order_id_prefix}


@dataclass(slots=True)
class Trap:
    """Set for requests to come: whom it concerns, what it does, and how many more times."""

    fault: str
    match: Match
    times: int
    seconds: float
    struck: int = 0

    @classmethod
    def read(cls, asked: Fields) -> Self:
        return cls(
            fault=known_fault(asked),
            match=Match.read(asked.get("match")),
            times=int(asked.get("times", 1)),
            seconds=float(asked.get("seconds", DEFAULT_SECONDS)),
        )

    def fits(self, sight: Sight) -> bool:
        return self.times > 0 and FAULTS[self.fault].fits(sight) and self.match.fits(sight)

    def describe(self) -> Fields:
        return {
            "fault": self.fault,
            "match": self.match.describe(),
            "times": self.times,
            "seconds": self.seconds,
            "struck": self.struck,
        }


@dataclass(slots=True)
class Rule:
    """A share of all requests that it fits, from 0 to 1."""

    fault: str
    share: float
    match: Match
    seconds: float
    struck: int = 0

    @classmethod
    def read(cls, asked: Fields) -> Self:
        share = float(asked["share"])
        if not 0 <= share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {share}")
        return cls(
            fault=known_fault(asked),
            share=share,
            match=Match.read(asked.get("match")),
            seconds=float(asked.get("seconds", DEFAULT_SECONDS)),
        )

    def fits(self, sight: Sight) -> bool:
        return FAULTS[self.fault].fits(sight) and self.match.fits(sight)

    def describe(self) -> Fields:
        return {
            "fault": self.fault,
            "share": self.share,
            "match": self.match.describe(),
            "seconds": self.seconds,
            "struck": self.struck,
        }


class Strike(NamedTuple):
    fault: str
    seconds: float


def known_fault(asked: Fields) -> str:
    fault = str(asked["fault"])
    if fault not in FAULTS:
        raise ValueError(f"{fault} is not one of {', '.join(FAULTS)}")
    return fault


@dataclass(slots=True)
class Faults:
    outage: bool = False
    traps: list[Trap] = field(default_factory=list)
    seed: int = 0
    rules: list[Rule] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)  # by fault, since the simulator began

    def set_rules(self, seed: int, rules: list[Rule]) -> None:
        self.seed, self.rules = seed, rules

    def heal(self) -> None:
        """Of what is to come; a refusal that a bank has been set to make later stands."""
        self.outage, self.traps, self.rules = False, [], []

    def strike(self, sight: Sight) -> Strike | None:
        """At most one fault: of the oldest trap that fits, else of the rule that is drawn."""
        found = next((trap for trap in self.traps if trap.fits(sight)), None) or self._drawn(sight)
        if found is None:
            return None
        if isinstance(found, Trap):
            found.times -= 1
            self.traps = [one for one in self.traps if one.times > 0]
        found.struck += 1
        self.struck[found.fault] += 1
        return Strike(found.fault, found.seconds)

    def _drawn(self, sight: Sight) -> Rule | None:
        """One draw decides among all rules that fit: each owns as much of 0 to 1 as its share.

        Shares beyond 1 in sum are cut off. Browsers are spared: they are not the merchant.
        """
        if not self.rules or sight.is_a_browsers:
            return None
        drawn = draws.fraction(self.seed, sight.order_id, sight.method, sight.kind, sight.nth)
        for rule in self.rules:
            if rule.fits(sight):
                if drawn < rule.share:
                    return rule
                drawn -= rule.share
        return None

    def describe(self) -> Fields:
        return {
            "outage": self.outage,
            "faults": [trap.describe() for trap in self.traps],
            "seed": self.seed,
            "rules": [rule.describe() for rule in self.rules],
            "struck": dict(self.struck),
            "known": list(FAULTS),
        }
