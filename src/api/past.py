"""Things as they stood at a position of the log, or at a moment: `asOf`."""

from dataclasses import dataclass, replace
from typing import Self

from api.looking import Looking
from api.views import AsOfView
from api.wiring import Wiring
from ledger import clock
from ledger.eventstore.past import PastStore, Point
from projections.points import end_of_append


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
