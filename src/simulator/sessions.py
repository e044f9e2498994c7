"""Snap sessions: a hosted page's token, before and after a method was chosen (midtrans.md 7)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from simulator.transactions import Fields, Status, Transaction


@dataclass(slots=True)
class Session:
    token: str
    order_id: str
    amount: int
    body: Fields  # the create request: method objects, expiry, callbacks
    methods: tuple[str, ...]
    page_expires_at: datetime
    notify_urls: tuple[str, ...]
    canceled_at: datetime | None = None
    transactions: list[Transaction] = field(default_factory=list)

    def is_closed(self, now: datetime) -> bool:
        return self.canceled_at is not None or now >= self.page_expires_at

    @property
    def latest(self) -> Transaction | None:
        return self.transactions[-1] if self.transactions else None

    @property
    def may_choose(self) -> bool:
        """A customer may try again after a refusal, under the same order id (7.4)."""
        latest = self.latest
        return latest is None or latest.status in (Status.DENY, Status.FAILURE)


class Sessions:
    def __init__(self) -> None:
        self._by_token: dict[str, Session] = {}
        self._by_order: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        """A new token for the same order invalidates the old one (7.1)."""
        old = self._by_order.get(session.order_id)
        if old:
            del self._by_token[old.token]
        self._by_order[session.order_id] = self._by_token[session.token] = session

    def __iter__(self) -> Iterator[Session]:
        return iter(self._by_token.values())

    def find(self, token_or_order_id: str) -> Session | None:
        return self._by_token.get(token_or_order_id) or self._by_order.get(token_or_order_id)
