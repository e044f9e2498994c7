"""`asOf`: things as they stood at a position of the log, or at a moment."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, Self

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator, Field

from api.looking import Looking
from api.views import AsOfView
from api.wiring import Wiring
from ledger import clock
from ledger.eventstore.past import PastStore, Point
from projections.points import end_of_append

LAST_POSITION: Final = 2**63 - 1
DESCRIPTION: Final = (
    "As it stood then: a position of the log (the end of what was appended there together), or a"
    " moment of RFC 3339 with its offset, by the time of recording."
)


def _said(value: object) -> object:
    """In an address, a plus sign that was not escaped comes as a blank."""
    if isinstance(value, str):
        if value.isdecimal() and value.isascii():
            return int(value)
        return datetime.fromisoformat(re.sub(r" (?=\d\d:\d\d$)", "+", value))
    return value


AsOf = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=LAST_POSITION)]
    | Annotated[AwareDatetime, Field(strict=True)]
    | None,
    Query(alias="asOf", description=DESCRIPTION),
    BeforeValidator(_said),
]


@dataclass(frozen=True)
class Past:
    """`wired` has services that look at streams as they stood."""

    wired: Wiring
    store: PastStore

    @classmethod
    async def at(cls, wired: Wiring, point: Point) -> Self:
        """Raises PositionNotReached."""
        if isinstance(point, int):
            async with wired.readers.connection() as conn:
                point = await end_of_append(conn, point)
        store = PastStore(wired.store, point)
        payments = replace(wired.payments, store=store)
        services = replace(
            wired,
            store=store,
            payments=payments,
            bills=replace(wired.bills, store=store),
            subscriptions=replace(wired.subscriptions, store=store, payments=payments),
        )
        return cls(services, store)

    def looking(self, stream: str) -> Looking:
        """By the time of the stream's last event then."""
        known = self.store.newest.get(stream)
        return Looking(self.wired, known.metadata.recorded_at if known else clock.now())

    def seen(self, stream: str) -> AsOfView:
        """What the answer rests on. The stream must have been loaded."""
        newest = self.store.newest[stream]
        return AsOfView(
            version=newest.version,
            position=newest.position,
            recorded_at=newest.metadata.recorded_at,
        )
