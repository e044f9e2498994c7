"""Ways of paying a subscription: which methods can be pulled, and which the payer can be asked for."""

from collections.abc import Sequence
from typing import Final

from ledger.customers.customer import Customer, SavedPaymentMethod, is_saved
from ledger.errors import Rejected
from ledger.payments.methods import METHODS, method
from ledger.subscriptions.events import Paying

AUTO_DEBIT: Final = "auto_debit"

# The catalogue's method behind a saved one (midtrans.md: one click and recurring cards, GoPay
# tokenization).
PULLED_AS: Final = {"card": "credit_card", "gopay": "gopay"}

# Instructions that outlive the day on which they were sent: an account, a code, a page.
PUSHED_FAMILIES: Final = frozenset({"bank_transfer", "qr", "convenience_store", "hosted"})


class NothingToPull(Rejected):
    code = "nothing_to_pull"
    title = (
        "The customer has no saved method that can be charged: attach a card or a GoPay account."
    )


class MethodCannotBePushed(Rejected):
    code = "method_cannot_be_pushed"
    title = "This method needs the payer at the moment of paying; bills cannot be sent with it."


class FallbackWithoutPull(Rejected):
    code = "fallback_without_pull"
    title = "Fallbacks are for methods that are pulled; a bill that is sent is paid as it says."


def way(customer: Customer, asked: str, fallback: Sequence[str]) -> Paying:
    """`asked` is `auto_debit`, one of the customer's saved methods, or a method of the catalogue.
    Raises SubjectErased, MethodNotAttached and FallbackWithoutPull besides.
    """
    customer.check_present()
    if asked == AUTO_DEBIT:
        return auto_debit(customer.methods, customer.preferred, fallback)
    if is_saved(asked):
        return pulled(customer.method(asked), fallback)
    if fallback:
        raise FallbackWithoutPull(method=asked)
    return pushed(asked)


def auto_debit(
    saved: Sequence[SavedPaymentMethod], preferred: str, fallback: Sequence[str]
) -> Paying:
    """The preferred saved method, or the newest. Raises NothingToPull."""
    can = [one for one in saved if one.detached_at is None]
    if not can:
        raise NothingToPull(can_be_pulled=sorted(PULLED_AS))
    chosen = next((one for one in can if one.method_id == preferred), can[-1])
    return pulled(chosen, fallback)


def pulled(chosen: SavedPaymentMethod, fallback: Sequence[str]) -> Paying:
    return Paying(
        method=PULLED_AS[chosen.attached.kind],
        saved_method=chosen.method_id,
        fallback=tuple(pushed(code).method for code in fallback),
    )


def pushed(code: str) -> Paying:
    """Raises MethodUnknown, MethodCannotBePushed."""
    if method(code).family not in PUSHED_FAMILIES:
        raise MethodCannotBePushed(
            method=code, can_be_pushed=CAN_BE_PUSHED, can_be_pulled=sorted(PULLED_AS)
        )
    return Paying(method=code)


CAN_BE_PUSHED: Final = [code for code, row in METHODS.items() if row.family in PUSHED_FAMILIES]
