"""Reading and checking what merchants send: amounts, items, expiry (midtrans.md 3, 12.2, 14)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from simulator import charge_checks
from simulator.methods import CHANNEL_FIELDS, CHARGEABLE, METHODS, NOT_ACTIVATED, Method
from simulator.transactions import Fields
from simulator.wire import Invalid, Refusal

SHORTEST_EXPIRY: Final = timedelta(seconds=20)
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S %z"
FAR_AWAY: Final = timedelta(days=3650)
UNITS: Final = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
NOT_ACTIVE: Final = ("402", "Payment channel is not activated.")
ECHOED: Final = ("custom_field1", "custom_field2", "custom_field3", "metadata")
NOTIFY_URLS_AT_MOST: Final = 3  # midtrans.md 1.5


@dataclass(frozen=True, slots=True)
class Order:
    order_id: str
    amount: int
    method_name: str
    expires_at: datetime
    options: Fields
    echoes: Fields

    @property
    def method(self) -> Method:
        return METHODS[self.method_name]


def read_details(body: Fields, *, strict: bool) -> tuple[str, int]:
    """Order id and amount, the same checks for Core and Snap."""
    details = body.get("transaction_details")
    details = details if isinstance(details, dict) else {}
    missing = [
        f"transaction_details.{name} is required"
        for name in ("order_id", "gross_amount")
        if details.get(name) in (None, "")
    ]
    if missing:
        raise Invalid(*missing)
    order_id, amount = str(details["order_id"]), details["gross_amount"]
    if len(order_id) > 50 or not order_id.isprintable():
        raise Invalid("transaction_details.order_id must be at most 50 printable characters")
    charge_checks.check_order_id(order_id, strict=strict)
    if details.get("currency", "IDR") != "IDR":
        raise Invalid("The currency is not supported for the country")
    _check_amount(amount, body.get("item_details"))
    return order_id, amount


def _check_amount(amount: Any, items: Any) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise Invalid("transaction_details.gross_amount must be a whole number")
    if amount < 1:
        raise Invalid("transaction_details.gross_amount must be greater than or equal to 0.01")
    if items and _sum(items) != amount:
        raise Invalid("transaction_details.gross_amount is not equal to the sum of item_details")


def _sum(items: Any) -> int:
    try:
        lines = [(int(item["price"]), int(item["quantity"]), item["name"]) for item in items]
    except (KeyError, TypeError, ValueError):
        raise Invalid("item_details price, quantity and name are required") from None
    if any(quantity < 1 for _, quantity, _ in lines):
        raise Invalid("item_details.quantity must be at least 1")
    return sum(price * quantity for price, quantity, _ in lines)


def method_of(body: Fields) -> str:
    """Which row of the method table a charge asks for."""
    payment_type = body.get("payment_type")
    if not isinstance(payment_type, str) or not payment_type:
        raise Invalid("payment_type is required")
    if payment_type in NOT_ACTIVATED:
        raise Refusal(*NOT_ACTIVE)
    channel_field = CHANNEL_FIELDS.get(payment_type)
    channel = str(_at(body, f"{payment_type}.{channel_field}") or "") if channel_field else ""
    if channel_field and not channel:
        raise Invalid(f"{payment_type}.{channel_field} is required")
    method = CHARGEABLE.get((payment_type, channel.lower()))
    if method is None:
        raise Invalid(f"{payment_type} {channel} is not supported".replace("  ", " "))
    return method


def read_charge(body: Fields, now: datetime, *, strict: bool) -> Order:
    order_id, amount = read_details(body, strict=strict)
    name = method_of(body)
    missing = [path for path in METHODS[name].requires if not _at(body, path)]
    if missing:
        raise Invalid(*(f"{path} is required" for path in missing))
    charge_checks.check(body, name, strict=strict)
    options = body.get("bank_transfer" if name == "permata_va" else body["payment_type"])
    options = options if isinstance(options, dict) else {}
    return Order(
        order_id=order_id,
        amount=amount,
        method_name=name,
        expires_at=expiry(body.get("custom_expiry"), name, options, now),
        options=options,
        echoes=echoes(body),
    )


def longest(method_name: str, options: Fields) -> timedelta:
    """How far away an expiry may be; QRIS by ShopeePay lives as long as ShopeePay does (3)."""
    by_shopeepay = method_name == "qris" and options.get("acquirer") == "airpay shopee"
    return METHODS["shopeepay" if by_shopeepay else method_name].longest


def echoes(body: Fields) -> Fields:
    return {name: body[name] for name in ECHOED if body.get(name) is not None}


def expiry(wanted: Any, method_name: str, options: Fields, now: datetime) -> datetime:
    """Core's `custom_expiry` or Snap's `expiry`; bounds are measured from now (midtrans.md 3)."""
    method = METHODS[method_name]
    if not isinstance(wanted, dict) or not method.own_expiry:
        return now + method.expires_in
    until = deadline(wanted, now)
    if until - now < SHORTEST_EXPIRY:
        raise Invalid("custom_expiry is below minimum threshold")
    return min(max(until, now + method.shortest), now + longest(method_name, options))


def deadline(wanted: Fields, now: datetime) -> datetime:
    """Start plus duration; whatever the calendar cannot hold is simply far away."""
    try:
        return _started(wanted, now) + _lasting(wanted)
    except OverflowError:
        return now + FAR_AWAY


def _started(wanted: Fields, now: datetime) -> datetime:
    text = wanted.get("order_time") or wanted.get("start_time")
    if not text:
        return now
    try:
        return datetime.strptime(str(text), TIME_FORMAT)
    except ValueError:
        raise Invalid("custom_expiry.order_time format must be yyyy-MM-dd HH:mm:ss Z") from None


def _lasting(wanted: Fields) -> timedelta:
    amount = wanted.get("expiry_duration", wanted.get("duration"))
    unit = UNITS.get(str(wanted.get("unit") or "minute").rstrip("s"))
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 0 or unit is None:
        raise Invalid("custom_expiry needs a whole expiry_duration and a known unit")
    return amount * unit


def notify_urls(override: str | None, append: str | None, account_url: str) -> tuple[str, ...]:
    """Where this transaction's notices go (midtrans.md 1.5): the override header wins."""
    listed = [url.strip() for url in (override or append or "").split(",") if url.strip()]
    account = [] if override or not account_url else [account_url]
    return tuple(dict.fromkeys([*account, *listed[:NOTIFY_URLS_AT_MOST]]))


def _at(body: Fields, path: str) -> Any:
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
