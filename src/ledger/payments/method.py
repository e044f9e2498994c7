"""What a payment method is, and the rules that read its row: limits, expiry, countries, fee."""

from datetime import date
from typing import Literal

import msgspec

from ledger.errors import LedgerError, Rejected
from ledger.journal import tax
from ledger.money import Money, half_up
from ledger.payments.events import Fee

Family = Literal[
    "card", "bank_transfer", "e_wallet", "qr", "convenience_store", "paylater", "hosted"
]


class AmountBelowMinimum(Rejected):
    code = "amount_below_minimum"
    title = "The amount is below what this payment method takes."


class AmountAboveMaximum(Rejected):
    code = "amount_above_maximum"
    title = "The amount is above what this payment method takes."


class ExpiryOutOfBounds(Rejected):
    code = "expiry_out_of_bounds"
    title = "This payment method does not allow that expiry."


class MethodNotInCountry(Rejected):
    code = "method_not_in_country"
    title = "This payment method is not offered in that country."


class FeeUnknown(LedgerError):
    code = "fee_unknown"
    title = "The tariff of this payment method has no rate for that day."


class FeeRate(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the gateway takes per success, from `valid_from` to `valid_to`, both included."""

    valid_from: date
    basis_points: int = 0
    fixed_minor: int = 0
    valid_to: date | None = None
    ppn: Literal["added", "none"] = "added"  # none: the rate is final and brings no input tax


class RefundRule(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    allowed: Literal["none", "full", "full_or_partial"]
    window_days: int = 0


class Mapping(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How to ask Midtrans for it: `core` charge or `snap` session, type, and sub-object."""

    api: Literal["core", "snap"]
    payment_type: str
    details: dict[str, dict[str, object]] = {}
    enabled_payments: tuple[str, ...] = ()


class Method(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    code: str
    name: str
    family: Family
    mapping: Mapping
    minimum_minor: int
    maximum_minor: int
    expiry_seconds: int
    expiry_seconds_minimum: int
    expiry_seconds_maximum: int
    fees: tuple[FeeRate, ...]
    refund: RefundRule
    currency: str = "IDR"
    countries: tuple[str, ...] = ("ID",)
    networks: tuple[str, ...] = ()
    payer_needed: tuple[str, ...] = ()  # fields of the payer the gateway insists on
    reversible: bool = False  # may turn to deny after settlement
    capture_later: bool = False


def fee_for(method: Method, amount: Money, on: date) -> Fee:
    """By our tariff on that day; the gateway may differ by a rupiah (books.md P17)."""
    rate = _rate_on(method, on)
    percentage = half_up(amount.minor * rate.basis_points, 10_000)
    taxable = percentage + rate.fixed_minor
    ppn = tax.rate(on).on_top_of(taxable) if rate.ppn == "added" else 0
    return Fee(
        percentage=Money(percentage, amount.currency),
        fixed=Money(rate.fixed_minor, amount.currency),
        tax=Money(ppn, amount.currency),
    )


def check_amount(method: Method, amount: Money) -> Money:
    minimum = Money(method.minimum_minor, method.currency)
    maximum = Money(method.maximum_minor, method.currency)
    if (amount - minimum).minor < 0:
        raise AmountBelowMinimum(
            f"{method.name} takes {minimum} or more.",
            method=method.code,
            minimum_minor=minimum.minor,
        )
    if amount > maximum:
        raise AmountAboveMaximum(
            f"{method.name} takes at most {maximum}.",
            method=method.code,
            maximum_minor=maximum.minor,
        )
    return amount


def check_country(method: Method, country: str) -> str:
    if country not in method.countries:
        raise MethodNotInCountry(
            f"{method.name} is not offered in {country}.",
            method=method.code,
            countries=list(method.countries),
        )
    return country


def expiry(method: Method, asked_seconds: int | None) -> int:
    """Seconds until the charge lapses: as asked within the method's bounds, or its default."""
    if asked_seconds is None:
        return method.expiry_seconds
    if not method.expiry_seconds_minimum <= asked_seconds <= method.expiry_seconds_maximum:
        raise ExpiryOutOfBounds(
            f"{method.name} expires after {method.expiry_seconds_minimum} to {method.expiry_seconds_maximum} seconds.",
            method=method.code,
            minimum_seconds=method.expiry_seconds_minimum,
            maximum_seconds=method.expiry_seconds_maximum,
        )
    return asked_seconds


def _rate_on(method: Method, on: date) -> FeeRate:
    for rate in method.fees:
        if rate.valid_from <= on and (rate.valid_to is None or on <= rate.valid_to):
            return rate
    raise FeeUnknown(
        f"No tariff for {method.name} on {on.isoformat()}.", method=method.code, on=on.isoformat()
    )
