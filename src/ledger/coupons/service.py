"""Coupons in the log. The only file of this area that does I/O; redeeming is part of the append that
creates a subscription.
"""

from dataclasses import dataclass
from datetime import datetime

from ledger import clock
from ledger.clock import Clock
from ledger.coupons.coupon import COUPON, Command, Coupon, CreateCoupon, WithdrawCoupon
from ledger.coupons.terms import STREAM, CouponTerms, check_code
from ledger.eventstore.store import Context, EventStore


def stream_of(code: str) -> str:
    return f"{STREAM}{check_code(code)}"


@dataclass(frozen=True, kw_only=True)
class CouponService:
    store: EventStore
    now: Clock = clock.now

    async def create(
        self,
        terms: CouponTerms,
        context: Context,
        *,
        redeem_by: datetime | None = None,
        most: int | None = None,
    ) -> Coupon:
        command = CreateCoupon(now=self.now(), terms=terms, redeem_by=redeem_by, most=most)
        return await self._execute(terms.code, command, context)

    async def withdraw(self, code: str, context: Context) -> Coupon:
        return await self._execute(code, WithdrawCoupon(now=self.now()), context)

    async def get(self, code: str) -> Coupon:
        """Raises CouponNotFound."""
        coupon = (await self.store.load(COUPON, stream_of(code))).state
        coupon.known  # noqa: B018  raises on an empty stream
        return coupon

    async def _execute(self, code: str, command: Command, context: Context) -> Coupon:
        return (await self.store.execute(COUPON, stream_of(code), command, context)).state
