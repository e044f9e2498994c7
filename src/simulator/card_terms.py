"""What a charge may ask of a card besides its amount: banks, points, instalments (midtrans.md 4.2)."""

from typing import Any, Final

from simulator.bins import bin_of
from simulator.cards import Vault
from simulator.orders import Order
from simulator.transactions import Fields
from simulator.wire import Invalid, Refusal, rupiah

FULL_PAN: Final = ("402", "Please migrate to Full PAN new endpoint")
NO_TOKEN: Final = "credit_card.token_id is required"
ALL_POINTS: Final = -1
POINT_BANKS: Final = ("bni", "mandiri")


def token_of(options: Fields) -> str:
    """The token; or why a card's bare number is not taken on this host."""
    if options.get("token_id"):
        return str(options["token_id"])
    if options.get("card"):
        raise Refusal(*FULL_PAN)
    raise Invalid(NO_TOKEN)


def require_listed(options: Fields, number: str) -> None:
    """`bins`: first digits, or the names of issuers."""
    wanted = options.get("bins")
    if not wanted:
        return
    if not isinstance(wanted, list):
        raise Invalid("credit_card.bins must be a list")
    issuer = bin_of(number)
    if not any(
        _fits(str(one).lower(), number, issuer.bank_code if issuer else "") for one in wanted
    ):
        raise Invalid("credit_card.bins does not allow this card")


def _fits(wanted: str, number: str, bank_code: str) -> bool:
    return number.startswith(wanted) if wanted.isdecimal() else wanted == bank_code


def points_wanted(order: Order, vault: Vault, number: str) -> int:
    """How much of the amount is paid with points, in rupiah."""
    wanted = order.options.get("point_redeem_amount")
    if not wanted:
        return 0
    issuer = bin_of(number)
    if issuer is None or issuer.bank_code not in POINT_BANKS:
        raise Invalid("credit_card.point_redeem_amount is for cards with points")
    most = min(vault.points(number), order.amount)
    redeemed = most if wanted == ALL_POINTS else wanted
    if isinstance(redeemed, bool) or not isinstance(redeemed, int) or not 0 < redeemed <= most:
        raise Invalid(f"credit_card.point_redeem_amount must be at most {most}")
    return redeemed


def redeemed_fields(vault: Vault, number: str, redeemed: int) -> Fields:
    """Numbers are numbers here, other than elsewhere (10.5)."""
    if not redeemed:
        return {}
    return {
        "point_redeem_amount": redeemed,
        "point_redeem_quantity": redeemed,
        "point_balance_amount": rupiah(vault.points(number)),
    }


def instalment_fields(options: Fields, number: str) -> Fields:
    """On us when the acquirer is the issuer."""
    term: Any = options.get("installment_term")
    if term is None:
        return {}
    if isinstance(term, bool) or not isinstance(term, int) or term < 1:
        raise Invalid("credit_card.installment_term must be a whole number of months")
    issuer = bin_of(number)
    on_us = issuer is not None and issuer.bank_code == options.get("bank")
    return {"installment_term": str(term), "on_us": on_us}
