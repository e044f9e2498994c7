"""Reading and checking what merchants ask of a subscription (midtrans.md 1.8, 8)."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import uuid4

from simulator.orders import TIME_FORMAT
from simulator.subscriptions import Retries, Schedule, Subscription, later
from simulator.transactions import Fields

LEAST, MOST = Decimal("0.01"), Decimal("99999999999.00")
AMOUNT: Final = "subscription.amount must be between 0.01 - 99999999999.00"
LONGEST_NAME: Final = 40
LARGEST_METADATA: Final = 1024  # bytes
MOST_RETRIES: Final = 3
PAYMENT_TYPES: Final = ("credit_card", "gopay")
SCHEDULE_UNITS: Final = ("day", "week", "month")
RETRY_UNITS: Final = ("minute", "hour", "day")
REQUIRED: Final = ("name", "amount", "currency", "token")


class Unfit(Exception):
    """An answer that is an error, in the Subscription API's shape: no code in the body (1.7, 1.8)."""

    def __init__(self, http_status: int, message: str, invalid: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.body: Fields = {"status_message": message}
        if invalid:
            self.body["validation_messages"] = list(invalid)


def unfit(*messages: str) -> Unfit:
    return Unfit(400, "Invalid parameter.", messages)


def read_new(body: Any, now: datetime) -> Subscription:
    sent = _object(body)
    _require(sent, (*REQUIRED, "payment_type", "schedule"))
    _check(sent)
    if sent["payment_type"] not in PAYMENT_TYPES:
        raise unfit("subscription.payment_type must be credit_card or gopay")
    account_id = _account_id(sent)
    if sent["payment_type"] == "gopay" and not account_id:
        raise unfit("subscription.gopay.account_id is required")
    return Subscription(
        id=str(uuid4()),
        name=str(sent["name"]),
        amount=str(sent["amount"]),
        currency=sent["currency"],
        payment_type=sent["payment_type"],
        token=str(sent["token"]),
        created_at=now,
        schedule=_schedule(sent["schedule"], now),
        retries=_retries(sent.get("retry_schedule")),
        account_id=account_id,
        metadata=sent.get("metadata") or {},
        customer_details=sent.get("customer_details") or {},
    )


def change(subscription: Subscription, body: Any, now: datetime) -> None:
    """PATCH. Of the schedule, the interval counts; a new start revives one that has run out."""
    sent = _object(body)
    _require(sent, REQUIRED)
    _check(sent)
    if sent.get("payment_type", subscription.payment_type) != subscription.payment_type:
        raise unfit("subscription.payment_type cannot be changed")
    schedule = _schedule(sent["schedule"], now) if sent.get("schedule") else None
    retries = _retries(sent["retry_schedule"]) if sent.get("retry_schedule") else None
    subscription.name, subscription.amount = str(sent["name"]), str(sent["amount"])
    subscription.token, subscription.currency = str(sent["token"]), sent["currency"]
    subscription.metadata = sent.get("metadata") or subscription.metadata
    subscription.customer_details = sent.get("customer_details") or subscription.customer_details
    subscription.account_id = _account_id(sent) or subscription.account_id
    subscription.retries = retries or subscription.retries
    if schedule and subscription.schedule.next_at is None and sent["schedule"].get("start_time"):
        subscription.schedule, subscription.status = schedule, "active"
    elif schedule:
        subscription.schedule.interval = schedule.interval


def _object(body: Any) -> Fields:
    if not isinstance(body, dict):
        raise Unfit(400, "Bad request")
    return body


def _require(sent: Fields, names: Sequence[str]) -> None:
    missing = [f"subscription.{name} is required" for name in names if sent.get(name) in (None, "")]
    if missing:
        raise unfit(*missing)


def _check(sent: Fields) -> None:
    if len(str(sent["name"])) > LONGEST_NAME:
        raise unfit(f"subscription.name must be at most {LONGEST_NAME} characters")
    if not _in_range(sent["amount"]):
        raise unfit(AMOUNT)
    if sent["currency"] != "IDR":
        raise unfit("The currency is not supported for the country")
    for name in ("metadata", "customer_details", "gopay"):
        if not isinstance(sent.get(name) or {}, dict):
            raise unfit(f"subscription.{name} must be an object")
    if len(json.dumps(sent.get("metadata")).encode()) >= LARGEST_METADATA:
        raise unfit("subscription.metadata must be smaller than 1 KB")


def _in_range(amount: Any) -> bool:
    try:
        wanted = Decimal(str(amount))
    except InvalidOperation:
        return False
    return wanted.is_finite() and LEAST <= wanted <= MOST


def _account_id(sent: Fields) -> str | None:
    gopay = sent.get("gopay") or {}
    return str(gopay["account_id"]) if gopay.get("account_id") else None


def _schedule(sent: Any, now: datetime) -> Schedule:
    asked = sent if isinstance(sent, dict) else {}
    interval, unit = _whole(asked, "schedule", "interval", 1), asked.get("interval_unit")
    if unit not in SCHEDULE_UNITS:
        raise unfit(f"subscription.schedule.interval_unit must be {', '.join(SCHEDULE_UNITS)}")
    ends = asked.get("max_interval") is not None
    max_interval = _whole(asked, "schedule", "max_interval", 0) if ends else None
    begins = _start(asked.get("start_time"), now)
    begins = begins or later(now, interval, unit, now.day)
    return Schedule(interval, unit, max_interval, begins, begins)


def _start(text: Any, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        begins = datetime.strptime(str(text), TIME_FORMAT)
    except ValueError:
        raise unfit(
            "subscription.schedule.start_time format must be yyyy-MM-dd HH:mm:ss Z"
        ) from None
    if begins <= now:
        raise unfit("subscription.schedule.start_time must be in the future")
    return begins.astimezone(now.tzinfo)


def _retries(sent: Any) -> Retries:
    if not isinstance(sent, dict):
        return Retries()
    unit = sent.get("interval_unit")
    if unit not in RETRY_UNITS:
        raise unfit(f"subscription.retry_schedule.interval_unit must be {', '.join(RETRY_UNITS)}")
    at_most = _whole(sent, "retry_schedule", "max_interval", 0)
    if at_most > MOST_RETRIES:
        raise unfit(f"subscription.retry_schedule.max_interval must be at most {MOST_RETRIES}")
    return Retries(_whole(sent, "retry_schedule", "interval", 1), unit, at_most)


def _whole(asked: Fields, where: str, name: str, least: int) -> int:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10_000:
        raise unfit(f"subscription.{where}.{name} must be a whole number of at least {least}")
    return value
