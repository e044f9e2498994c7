"""Money as whole minor units of one currency; no floats, no implicit currency, no lost unit.

ISO 4217 gives the rupiah two decimals, yet no sen circulate and Midtrans takes whole rupiah, so its
exponent here is 0 (docs/decisions/0002-rupiah-has-no-decimals.md).
"""

from collections.abc import Sequence
from typing import Final, Self

import msgspec

from ledger.errors import Rejected

EXPONENTS: Final = {"IDR": 0}


class CurrencyUnknown(Rejected):
    code = "currency_unknown"
    title = "This currency is not supported."


class CurrencyMismatch(Rejected):
    code = "currency_mismatch"
    title = "Two amounts of different currencies were combined."


class Money(msgspec.Struct, frozen=True, gc=False, order=True):
    """An amount in minor units; for rupiah a minor unit is one rupiah."""

    minor: int
    currency: str = "IDR"

    @classmethod
    def rupiah(cls, minor: int) -> Self:
        return cls(minor, "IDR")

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise self._differs(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise self._differs(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        digits = f"{self.minor:,}".replace(",", ".")
        return f"Rp{digits}" if self.currency == "IDR" else f"{self.currency} {digits}"

    def zero(self) -> "Money":
        return Money(0, self.currency)

    def allocate(self, weights: Sequence[int]) -> list["Money"]:
        """Split by weights, largest remainder first, so that the parts sum to the whole."""
        total = sum(weights)
        floors = [self.minor * weight // total for weight in weights]
        by_remainder = sorted(
            range(len(weights)), key=lambda i: (-(self.minor * weights[i] % total), i)
        )
        for i in by_remainder[: self.minor - sum(floors)]:
            floors[i] += 1
        return [Money(minor, self.currency) for minor in floors]

    def _differs(self, other: "Money") -> CurrencyMismatch:
        return CurrencyMismatch(
            "Amounts of different currencies do not add up.",
            currencies=[self.currency, other.currency],
        )


def currency(code: str) -> str:
    """The code itself when we keep books in it; raises CurrencyUnknown otherwise."""
    if code not in EXPONENTS:
        raise CurrencyUnknown("Only IDR is supported.", supported=list(EXPONENTS))
    return code


def half_up(numerator: int, denominator: int) -> int:
    """n/d rounded half away from zero, in integers (compliance-id.md 1.2, `rhu`)."""
    if numerator < 0:
        return -half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)
