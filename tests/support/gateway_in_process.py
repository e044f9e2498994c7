"""The gateway model behind the port of a real wiring: the world outside, in the same process and by the
same clock, with people and banks that act when they have planned to.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from ledger import clock
from ledger.providers.port import ChargeStatus, Notice, NoticeMalformed, Outcome
from support.gateway_faults import NOT_ALLOWED, Transaction
from support.gateway_model import GatewayModel

Act = Callable[[], object]
BATCH = timedelta(hours=16, minutes=15)  # cards settle the next day at this time in Jakarta


class GatewayInProcess(GatewayModel):
    """`met` is told of every transaction that begins, and may plan what its payer does."""

    def __init__(
        self, met: Callable[["GatewayInProcess", Transaction], None] | None = None
    ) -> None:
        super().__init__(clock.now, clock.monotonic_seconds)
        self._met = met
        self._planned: list[tuple[datetime, int, Act]] = []
        self._serial = count()

    # ── the rest of the port ────────────────────────────────────────────────────────────────────

    async def expire(self, order_id: str) -> Outcome:
        return NOT_ALLOWED

    async def approve(self, order_id: str) -> Outcome:
        return NOT_ALLOWED

    async def deny(self, order_id: str) -> Outcome:
        return NOT_ALLOWED

    def read_notice(self, body: bytes) -> Notice:
        raise NoticeMalformed("This gateway sends none.")

    async def close(self) -> None:
        """There is nothing to close."""

    # ── what happens there ──────────────────────────────────────────────────────────────────────

    def plan(self, moment: datetime, act: Act) -> None:
        heappush(self._planned, (moment, next(self._serial), act))

    async def outside(self, now: datetime) -> datetime | None:
        """For a time machine: what is due happens; when something is due next."""
        while self._planned and self._planned[0][0] <= now:
            heappop(self._planned)[2]()
        return self._planned[0][0] if self._planned else None

    def pay(self, one: Transaction) -> None:
        if one.status is ChargeStatus.PENDING:
            self.move(one, ChargeStatus.SETTLED)

    def announce(self, known: Transaction) -> None:
        """It sends no notices: what is to be known is asked for."""
        match known.status:
            case ChargeStatus.PENDING | ChargeStatus.AUTHORISED:
                self.plan(known.expires_at, lambda: self._expire(known))
            case ChargeStatus.CAPTURED:
                self.plan(_next_batch(self.moment()), lambda: self._settle(known))

    def _begin(self, *args: object) -> Transaction:
        begun = super()._begin(*args)  # type: ignore[arg-type]
        if self._met:
            self._met(self, begun)
        return begun

    def _expire(self, one: Transaction) -> None:
        if one.status in (ChargeStatus.PENDING, ChargeStatus.AUTHORISED):
            self.move(one, ChargeStatus.EXPIRED)

    def _settle(self, one: Transaction) -> None:
        if one.status is ChargeStatus.CAPTURED:
            self.move(one, ChargeStatus.SETTLED)


def _next_batch(moment: datetime) -> datetime:
    midnight = moment.astimezone(clock.WIB).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1) + BATCH
