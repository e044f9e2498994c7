"""How long a payment can be refunded, in which hours, and by which call (midtrans.md 6)."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Final

from simulator.clock import WIB
from simulator.transactions import Transaction
from simulator.wire import NOT_ALLOWED, Refusal

HALF_A_YEAR: Final = timedelta(days=183)
TOKENISED: Final = timedelta(days=180)
OFF_US: Final = timedelta(days=7)
SHOPEEPAY: Final = timedelta(days=365)
DAYS: Final = {
    "credit_card": HALF_A_YEAR,
    "gopay": timedelta(days=45),
    "qris": timedelta(days=45),
    "shopeepay": SHOPEEPAY,
    "dana": timedelta(days=45),
    "ovo": timedelta(days=7),
    "akulaku": HALF_A_YEAR,
    "kredivo": timedelta(days=14),
}
OPENS, CLOSES = time(6, 0), time(23, 50)  # ShopeePay, in Jakarta; another page says 23:55
UNREFUNDABLE_ISSUERS: Final = ("bca", "bni", "bri")  # off-us, by ShopeePay
DIRECT_METHODS: Final = ("gopay", "qris", "shopeepay", "akulaku", "kredivo")
DIRECT_BANKS: Final = ("bca", "maybank", "bni", "bri")  # of cards
KEY_LASTS: Final = timedelta(days=7)
SHORT_OF_MONEY: Final = ("414", "Refund request is rejected due to insufficient funds")


def window(transaction: Transaction) -> timedelta:
    if transaction.options.get("account_id"):
        return TOKENISED
    if _by_shopeepay(transaction):
        return SHOPEEPAY
    if _off_us(transaction):
        return OFF_US
    return DAYS.get(transaction.method_name, timedelta())


def _by_shopeepay(transaction: Transaction) -> bool:
    by = transaction.detail.get("acquirer")
    return transaction.method_name == "shopeepay" or by == "airpay shopee"


def _off_us(transaction: Transaction) -> bool:
    return transaction.detail.get("transaction_type") == "off-us"


def _too_late(transaction: Transaction, now: datetime) -> bool:
    settled = transaction.settled_at
    return settled is not None and now > settled + window(transaction)


def _out_of_hours(transaction: Transaction, now: datetime) -> bool:
    at = now.astimezone(WIB).time()
    return _by_shopeepay(transaction) and not OPENS <= at <= CLOSES


def _from_a_bank(transaction: Transaction, _: datetime) -> bool:
    issuer = str(transaction.detail.get("issuer", "")).lower()
    refused = issuer in UNREFUNDABLE_ISSUERS
    return _by_shopeepay(transaction) and _off_us(transaction) and refused


LIMITS: Final[frozenset[Callable[[Transaction, datetime], bool]]] = frozenset(
    (_too_late, _out_of_hours, _from_a_bank)
)


def require_in_time(transaction: Transaction, now: datetime, *, strict: bool) -> None:
    """ShopeePay's nights count when `strict`: else a test's outcome would depend on the hour."""
    asked = LIMITS if strict else LIMITS - {_out_of_hours}
    if any(forbids(transaction, now) for forbids in asked):
        raise Refusal(*NOT_ALLOWED)


def require_direct(transaction: Transaction) -> None:
    """Not every bank and wallet answers a refund at once."""
    by_card = transaction.method_name == "credit_card"
    direct = (
        transaction.detail.get("bank") in DIRECT_BANKS
        if by_card
        else (transaction.method_name in DIRECT_METHODS)
    )
    if not direct:
        raise Refusal(*NOT_ALLOWED)


class Till:
    """What the merchant has with Midtrans to refund from, and the keys of refunds that failed."""

    def __init__(self) -> None:
        self.balance: int | None = None  # rupiah; None is enough for all
        self._failed: dict[tuple[str, str], datetime] = {}

    def require(self, transaction: Transaction, key: str, amount: int, now: datetime) -> None:
        """A key may be tried again for a week after its first failure; then it is dead."""
        first = self._failed.get((transaction.transaction_id, key))
        if first is not None and now > first + KEY_LASTS:
            raise Refusal(*NOT_ALLOWED)
        if self.balance is not None and amount > self.balance:
            self._failed.setdefault((transaction.transaction_id, key), now)
            raise Refusal(*SHORT_OF_MONEY)

    def take(self, amount: int) -> None:
        if self.balance is not None:
            self.balance -= amount
