"""Which method takes the payment: as asked, or the best of a family; and what can be offered.

Best means: not degraded, then as preferred, then cheapest. What the amount or the payer rules out
is never chosen; what is merely degraded stands last, because slow money beats none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple

from ledger.errors import Rejected
from ledger.money import Money
from ledger.payments.events import Fee, RoutingReason
from ledger.payments.methods import (
    FAMILIES,
    METHODS,
    Method,
    check_amount,
    check_country,
    fee_for,
    method,
)

Health = Mapping[str, Literal["ok", "degraded"]]

UNRANKED: Final = len(METHODS)


class NoMethodAvailable(Rejected):
    code = "no_method_available"
    title = "No payment method is left for this payment."


class Offer(NamedTuple):
    """A row of GET /payment-methods; `why_not` is empty when available."""

    method: Method
    fee: Fee
    available: bool
    why_not: str
    degraded: bool


def choose(
    asked: str,
    amount: Money,
    *,
    preference: Sequence[str],
    tried: Collection[str],
    health: Health,
    on: date,
    payer: Collection[str] | None = None,
) -> tuple[Method, RoutingReason]:
    """A method asked for by name is taken as it is; the rest, and every next try, is routed.

    `preference` may name families too. `payer` lists the fields known of the payer; None leaves
    them unchecked. Raises MethodUnknown, NoMethodAvailable.
    """
    if asked in METHODS and asked not in tried:
        return METHODS[asked], RoutingReason(rule="asked", words=f"{asked} was asked for.")
    wanted = _expand(preference)
    # What lies outside the family is the caller's fallback: for the next try, never for the first.
    pool = (*_expand([asked]), *(wanted if tried else ()))
    codes = [code for code in dict.fromkeys(pool) if code not in tried]
    ranked = sorted((method(code) for code in codes), key=lambda m: _cost(m, wanted, amount, on))
    possible = [m for m in ranked if not _why_not(m, amount, payer=payer)]
    if not possible:
        raise NoMethodAvailable(
            f"Nothing in {asked} is left for {amount}.", asked=asked, tried=sorted(tried)
        )
    best, *others = sorted(possible, key=lambda m: health.get(m.code) == "degraded")
    ahead = ranked[0]
    hindrance = (
        ""
        if best is ahead
        else _why_not(ahead, amount, payer=payer) or f"{ahead.name} is degraded."
    )
    return best, _reason(
        best, others, hindrance=hindrance, preferred=best.code in wanted, tried=tried
    )


def offer(
    country: str, amount: Money, health: Health, preference: Sequence[str], on: date
) -> list[Offer]:
    """Every method and its fee: available ones first, then as preferred, then cheapest."""
    wanted = _expand(preference)
    offers = [_offered(m, country, amount, health, on) for m in METHODS.values()]
    return sorted(offers, key=lambda o: (not o.available, _rank(o.method, wanted), o.fee.total))


def _offered(m: Method, country: str, amount: Money, health: Health, on: date) -> Offer:
    why_not = _why_not(m, amount, country=country)
    return Offer(
        method=m,
        fee=fee_for(m, amount, on),
        available=not why_not,
        why_not=why_not,
        degraded=health.get(m.code) == "degraded",
    )


def _expand(asked: Iterable[str]) -> list[str]:
    """Methods named, families opened, each once; raises MethodUnknown."""
    codes = [code for name in asked for code in FAMILIES.get(name) or (method(name).code,)]
    return list(dict.fromkeys(codes))


def _rank(m: Method, wanted: Sequence[str]) -> int:
    return wanted.index(m.code) if m.code in wanted else UNRANKED


def _cost(m: Method, wanted: Sequence[str], amount: Money, on: date) -> tuple[int, Money]:
    return _rank(m, wanted), fee_for(m, amount, on).total


def _why_not(
    m: Method, amount: Money, *, country: str = "", payer: Collection[str] | None = None
) -> str:
    try:
        check_amount(m, amount)
        if country:
            check_country(m, country)
    except Rejected as refused:
        return refused.detail
    missing = [] if payer is None else [f for f in m.payer_needed if f not in payer]
    return f"{m.name} needs the payer's {', '.join(missing)}." if missing else ""


def _reason(
    best: Method,
    others: Sequence[Method],
    *,
    hindrance: str,
    preferred: bool,
    tried: Collection[str],
) -> RoutingReason:
    """Names the rule that decided. `hindrance` is what kept the one that would have come first."""
    considered = tuple(m.code for m in others)
    if tried:
        words = f"{best.name} is next after {', '.join(sorted(tried))}."
        return RoutingReason(rule="fallback", words=words, considered=considered)
    if hindrance:
        words = f"{best.name}, because: {hindrance}"
        return RoutingReason(rule="availability", words=words, considered=considered)
    if preferred:
        return RoutingReason(
            rule="preference", words=f"{best.name} is preferred.", considered=considered
        )
    return RoutingReason(rule="cost", words=f"{best.name} costs least.", considered=considered)
