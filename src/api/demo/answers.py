"""What the API answers, as far as the demo reads it; a field that an answer leaves out has its
default.
"""

from datetime import datetime
from typing import Any

import msgspec

Json = dict[str, Any]


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Camel case on the wire."""


class NextAction(Wire, frozen=True):
    type: str
    message: dict[str, str] = {}
    redirect_url: str = ""
    session_token: str = ""


class Failure(Wire, frozen=True):
    code: str
    words: str


class Attempt(Wire, frozen=True):
    number: int
    method: str
    status: str
    order_id: str
    routing_rule: str
    routing_reason: str
    transaction_id: str = ""
    retries: int = 0
    failure: Failure | None = None


class Fee(Wire, frozen=True):
    total: int


class Refund(Wire, frozen=True):
    refund_id: str
    amount: int
    status: str


class Payment(Wire, frozen=True):
    payment_id: str
    status: str
    amount: int
    payment_method: str
    captured_amount: int
    refunded_amount: int
    refundable_amount: int
    attempts: tuple[Attempt, ...]
    refunds: tuple[Refund, ...]
    next_action: NextAction | None = None
    fee: Fee | None = None
    under_review: str = ""

    @property
    def attempt(self) -> Attempt:
        return self.attempts[-1]


class Event(Wire, frozen=True):
    topic: str
    recorded_at: datetime
    event: Json


class Method(Wire, frozen=True):
    code: str
    name: str
    family: str
    available: bool
    networks: tuple[str, ...]


class AsOf(Wire, frozen=True):
    head: int
    money: int
    views: int

    @property
    def is_complete(self) -> bool:
        return min(self.money, self.views) >= self.head


class Balance(Wire, frozen=True):
    account: str
    balance: int
    debit: int
    credit: int
    label: str


class TrialBalance(Wire, frozen=True):
    accounts: tuple[Balance, ...]
    totals: dict[str, int]
    as_of: AsOf

    def balance(self, account: str) -> int:
        return sum(row.balance for row in self.accounts if row.account == account)


class Accepted(msgspec.Struct, frozen=True):
    http: int
    payment: Payment
    replayed: bool
