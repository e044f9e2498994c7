"""Charging subscriptions when they are due, again when that failed, and telling it (8, 10.6)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Final
from uuid import uuid4

from simulator.core_api import start
from simulator.gateway import Gateway
from simulator.methods import METHODS
from simulator.orders import Order
from simulator.subscriptions import Subscription
from simulator.transactions import STATES, Fields, Transaction
from simulator.wire import Refusal, without_nulls

PAID: Final = "200"


@dataclass(frozen=True, slots=True)
class Outcome:
    paid: bool
    told: Fields  # the `transaction` of the notice


def plan(gateway: Gateway, subscription: Subscription) -> None:
    due = subscription.schedule.next_at
    if due is not None:
        gateway.agenda.at(due, lambda: _when_due(gateway, subscription, due))


def _when_due(gateway: Gateway, subscription: Subscription, due: datetime) -> None:
    """Nothing, when it was paused, cancelled or put off meanwhile."""
    if subscription.status == "active" and subscription.schedule.next_at == due:
        subscription.retries_stopped = False
        subscription.schedule.count(gateway.clock.now())
        _attempt(gateway, subscription, subscription.retries.at_most)
        plan(gateway, subscription)


def _attempt(gateway: Gateway, subscription: Subscription, retries_left: int) -> None:
    """A pause keeps retries running; a cancellation does not."""
    if subscription.retries_stopped:
        return
    outcome = _charge(gateway, subscription)
    if not outcome.paid and retries_left > 0:
        again = gateway.clock.now() + subscription.retries.pause
        gateway.agenda.at(again, lambda: _attempt(gateway, subscription, retries_left - 1))
        return
    if not outcome.paid or subscription.schedule.next_at is None:
        subscription.status = "inactive"
    _tell(gateway, subscription, outcome)


def _charge(gateway: Gateway, subscription: Subscription) -> Outcome:
    try:
        made = start(gateway, _order(gateway, subscription), _payment_urls(gateway))
    except Refusal as refusal:
        return Outcome(False, {"status_code": refusal.code, "status_message": refusal.message})
    subscription.transaction_ids.append(made.transaction_id)
    return Outcome(STATES[made.status].notice_code == PAID, _brief(made))


def _order(gateway: Gateway, subscription: Subscription) -> Order:
    method = METHODS[subscription.payment_type]
    account = gateway.accounts.get(subscription.account_id or "")
    options: dict[str, Fields] = {
        "credit_card": {"token_id": subscription.token},
        "gopay": {
            "account_id": subscription.account_id,
            "payment_option_token": account.turned(subscription.token) if account else "",
            "recurring": True,
        },
    }
    return Order(
        order_id=f"{subscription.name}{uuid4().hex}",
        amount=int(Decimal(subscription.amount).to_integral_value(ROUND_UP)),
        method_name=subscription.payment_type,
        expires_at=gateway.clock.now() + method.expires_in,
        options=options[subscription.payment_type],
        echoes={"metadata": subscription.metadata} if subscription.metadata else {},
    )


def _brief(transaction: Transaction) -> Fields:
    names = ("channel_response_code", "channel_response_message")
    return without_nulls(
        {
            "transaction_status": transaction.status.value,
            "transaction_id": transaction.transaction_id,
            "status_code": STATES[transaction.status].notice_code,
            **{name: transaction.detail.get(name) for name in names},
        }
    )


def _tell(gateway: Gateway, subscription: Subscription, outcome: Outcome) -> None:
    """Once a cycle: after success, or after the last retry. It has no signature."""
    body = {
        "event_name": "subscription.charge",
        "transaction": outcome.told,
        "subscription": subscription.in_notices(gateway.config.merchant_id),
    }
    gateway.tell(recurring_url(gateway), body)


def tell_created(gateway: Gateway, subscription: Subscription) -> None:
    """The other shape: the subscription itself."""
    gateway.tell(recurring_url(gateway), subscription.in_notices(gateway.config.merchant_id))


def recurring_url(gateway: Gateway) -> str:
    return gateway.config.recurring_url or gateway.config.notify_url


def _payment_urls(gateway: Gateway) -> tuple[str, ...]:
    url = gateway.config.notify_url
    return (url,) if url else ()
