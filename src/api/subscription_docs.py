"""Writes docs/subscriptions.md: words around what the tables of subscriptions say, and sums that are
computed by the code that bills them.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from api import quotes
from api.subscription_text import TEXT
from ledger import subscriptions
from ledger.errors import LedgerError
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.subscriptions import asking, timers
from ledger.subscriptions.life import LIVE, SAID, TRANSITIONS, Status, ends_of
from ledger.subscriptions.periods import ZONES, Calendar, Interval
from ledger.subscriptions.policies import POLICIES, Policy
from ledger.subscriptions.pricing import share
from ledger.subscriptions.proration import By, Change, due, stretches

JUNE: Final = Calendar(anchor=datetime(2027, 6, 1, 3, tzinfo=UTC), interval=Interval("month"))
BASIC, PRO, NOTHING = Money(99_000), Money(199_000), Money(0)


def render() -> str:
    return TEXT.format(
        picture=_picture(),
        rows="".join(_rows()),
        policies="\n".join(_policy(rules) for rules in POLICIES),
        month_ends=_month_ends(),
        proration="".join(_prorations()),
        first_part=_first_part(),
        incomplete_hours=_hours(timers.INCOMPLETE_FOR),
        downtime_hours=_hours(timers.DOWNTIME),
        trial_days=timers.TRIAL_ENDING.days,
        reminder_days=timers.REMINDED_BEFORE.days,
        shortest_days=asking.SHORTEST_INSTRUCTIONS.days,
        quote_minutes=quotes.GOOD_FOR // timedelta(minutes=1),
        codes="".join(f"| `{code}` | {title} |\n" for code, title in sorted(_codes())),
        missed=max(rules.missed_periods for rules in POLICIES),
    )


def _hours(span: timedelta) -> int:
    return span // timedelta(hours=1)


# ── the table of its life ───────────────────────────────────────────────────────────────────────────────────────────


def _picture() -> str:
    """A Mermaid diagram; what may happen to every live one is one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for starts, event, ends in _ways():
        for start in starts:
            for end in ends:
                if start != end:
                    arrows.setdefault((start, end), []).append(_word(event))
    inside = [arrow for arrow in arrows.items() if _is_live(arrow[0][0]) and _is_live(arrow[0][1])]
    outside = [arrow for arrow in arrows.items() if arrow not in inside]
    return "\n".join(
        [
            *("```mermaid", "stateDiagram-v2", "    state live {"),
            *(f"        {_arrow(*arrow)}" for arrow in inside),
            "    }",
            *(f"    {_arrow(*arrow)}" for arrow in outside),
            *("```", ""),
        ]
    )


def _ways() -> Iterator[tuple[list[str], type[DomainEvent], list[str]]]:
    for before, event, to in TRANSITIONS:
        if to is not None:
            yield _starts(before), event, [to.value]
    for before, event, ends in SAID:
        yield _starts(before), event, [end.value for end in ends]


def _starts(before: Iterable[Status]) -> list[str]:
    if set(before) == set(LIVE):
        return ["live"]
    return ["[*]" if status is Status.NEW else status.value for status in before]


def _is_live(name: str) -> bool:
    return name in {status.value for status in LIVE}


def _arrow(ends: tuple[str, str], words: list[str]) -> str:
    return f"{ends[0]} --> {ends[1]} : {' or '.join(words)}"


def _word(event: type[DomainEvent]) -> str:
    return event.TOPIC.split(".")[1]


def _rows() -> Iterator[str]:
    for before, event, _ in TRANSITIONS:
        pairs = {(status, end) for status in before for end in ends_of(status, event)}
        moved = {end for status, end in pairs if status is not end}
        told = [f"`{status.value}`" for status in Status if status in moved]
        may_stay = any(status is end for status, end in pairs)
        target = " or ".join([*([", ".join(told)] if told else []), *["stays"] * may_stay])
        starts = ", ".join(f"`{status.value}`" for status in Status if status in before)
        topic = f"[`{event.TOPIC}`](events/{event.TOPIC}.json)"
        yield f"| `{event.__name__}` | {topic} | {starts} | {target} |\n"


# ── the tables of policies ──────────────────────────────────────────────────────────────────────────────────────────


def _policy(rules: Policy) -> str:
    grace = "with grace until `end_grace`" if rules.grace else "without grace"
    steps = "".join(f"| {step.after.days} | `{step.action}` |\n" for step in rules.steps)
    return (
        f"`{rules.name}`, version {rules.version}, {grace}:\n\n| day | step |\n|---|---|\n{steps}"
    )


# ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _month_ends() -> str:
    calendar = Calendar(anchor=datetime(2027, 1, 31, 3, tzinfo=UTC), interval=Interval("month"))
    days = (calendar.local_date(calendar.boundary(number)) for number in range(5))
    return ", ".join(f"{day:%B} {day.day}" for day in days)


def _at(day: int, hour: int = 10) -> datetime:
    """In Jakarta."""
    return datetime(2027, 6, day, hour, tzinfo=ZONES["WIB"])


def _prorations() -> Iterator[str]:
    """Each row: what June costs with all its prices, and what the last of them brings."""
    for words, prices, by in (
        ("up to 199,000 on the 11th", ((11, 10, PRO),), "day"),
        ("the same at 22:00, by the day", ((11, 22, PRO),), "day"),
        ("the same at 22:00, by the second", ((11, 22, PRO),), "second"),
        ("up on the 11th and down on the 21st", ((11, 10, PRO), (21, 10, BASIC)), "day"),
        ("up and down at once on the 11th", ((11, 10, PRO), (11, 10, BASIC)), "day"),
        ("cancelled on the 11th with credit", ((11, 10, NOTHING),), "day"),
    ):
        yield _proration(words, prices, by)  # type: ignore[arg-type]


def _proration(words: str, prices: tuple[tuple[int, int, Money], ...], by: By) -> str:
    changes = [Change(_at(1), BASIC), *(Change(_at(day, hour), to) for day, hour, to in prices)]
    period = JUNE.period(0)
    before, after = (due(stretches(period, part, by)) for part in (changes[:-1], changes))
    gap = after - before
    kind = "billed" if gap.minor > 0 else "credit" if gap.minor else "nothing"
    split = share(after, "inclusive", _at(1))
    return (
        f"| {words} | {_rupiah(before)} | {_rupiah(after)} | {_rupiah(split.net)} |"
        f" {_rupiah(split.tax)} | {kind} {_rupiah(Money(abs(gap.minor)))} |\n"
    )


def _first_part() -> str:
    calendar = Calendar(anchor=datetime(2027, 5, 31, 3, tzinfo=UTC), interval=Interval("month"))
    changes = (Change(calendar.boundary(0), NOTHING), Change(_at(10), BASIC))
    return _rupiah(due(stretches(calendar.period(0), changes, "day")))


def _rupiah(amount: Money) -> str:
    return f"{amount.minor:,}"


# ── codes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _codes() -> Iterator[tuple[str, str]]:
    """Of refusals that subscriptions make themselves."""
    for module in pkgutil.iter_modules(subscriptions.__path__, f"{subscriptions.__name__}."):
        importlib.import_module(module.name)  # an error stands beside its rule
    return (
        (kind.code, kind.title)
        for kind in _kinds(LedgerError)
        if kind.__module__.startswith(subscriptions.__name__)
    )


def _kinds(kind: type[LedgerError]) -> Iterator[type[LedgerError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)
