"""What a coupon takes off."""

import msgspec

from ledger.money import Money


class CouponTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Either a percentage or an amount, of so many bills."""

    code: str
    percent: int | None = None  # 1 to 100
    amount: Money | None = None
    periods: int | None = None  # None: for ever
    plans: tuple[str, ...] = ()  # none: any
