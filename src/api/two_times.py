"""The two times of a question: when it was in the world, and when it was recorded; as parameters."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator, Field

from ledger.errors import Rejected
from ledger.eventstore.past import Point

LAST_POSITION: Final = 2**63 - 1
THEN: Final = (
    "A position of the log (the end of what was appended there together), or a moment of RFC 3339"
    " with its offset, by the time of recording."
)


class PointNamedTwice(Rejected):
    code = "point_named_twice"
    title = "asOf and knownAt mean the same; send one of them."


def _moment(value: Any) -> Any:
    """In an address, a plus sign that was not escaped comes as a blank."""
    return _words(value, lambda text: datetime.fromisoformat(re.sub(r" (?=\d\d:\d\d$)", "+", text)))


def _point(value: Any) -> Any:
    digits = isinstance(value, str) and value.isdecimal() and value.isascii()
    return int(value) if digits else _moment(value)


def day_in_words(value: Any) -> Any:
    """As `2026-11-27`. Pydantic itself would also take a number."""
    return _words(value, date.fromisoformat)


def _words(value: Any, read: Any) -> Any:
    """Pydantic itself would also take a number for seconds."""
    return read(value) if isinstance(value, str) else value


_Moment = Annotated[AwareDatetime, Field(strict=True)]
_Position = Annotated[int, Field(strict=True, ge=1, le=LAST_POSITION)]
_Day = Annotated[date, Field(strict=True)]

AsOf = Annotated[
    _Position | _Moment | None,
    Query(alias="asOf", description=f"As it stood then. {THEN}"),
    BeforeValidator(_point),
]
KnownAt = Annotated[
    _Position | _Moment | None,
    Query(alias="knownAt", description=f"By what was known then. {THEN}"),
    BeforeValidator(_point),
]
EffectiveOn = Annotated[
    _Day | None,
    Query(alias="effectiveOn", description="By what counts up to this business day in Jakarta."),
    BeforeValidator(day_in_words),
]
Day = Annotated[
    _Day | None,
    Query(alias="day", description="Only what counts for this business day in Jakarta."),
    BeforeValidator(day_in_words),
]
EffectiveFrom = Annotated[_Day | None, Query(alias="effectiveFrom"), BeforeValidator(day_in_words)]
EffectiveTo = Annotated[
    _Day | None, Query(alias="effectiveTo", description="Inclusive."), BeforeValidator(day_in_words)
]
OccurredFrom = Annotated[_Moment | None, Query(alias="occurredFrom"), BeforeValidator(_moment)]
OccurredTo = Annotated[
    _Moment | None, Query(alias="occurredTo", description="Exclusive."), BeforeValidator(_moment)
]
RecordedFrom = Annotated[_Moment | None, Query(alias="recordedFrom"), BeforeValidator(_moment)]
RecordedTo = Annotated[
    _Moment | None, Query(alias="recordedTo", description="Exclusive."), BeforeValidator(_moment)
]


def one_point(known_at: Point | None, as_of: Point | None) -> Point | None:
    """Raises PointNamedTwice."""
    if known_at is not None and as_of is not None:
        raise PointNamedTwice()
    return as_of if known_at is None else known_at
