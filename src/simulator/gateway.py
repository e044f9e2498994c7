"""The gateway: one place that holds all that is true, and the only one that changes a status."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from simulator.book import Book
from simulator.cards import Vault
from simulator.clock import Agenda, Clock
from simulator.config import Config
from simulator.facts import FactFile
from simulator.fault_rules import Faults
from simulator.idempotency import Replays
from simulator.methods import Draft
from simulator.notices import Outbox
from simulator.orders import Order
from simulator.sessions import Sessions
from simulator.transactions import Fields, NotPossible, Status, Transaction
from simulator.views import notice_body

HOLD_LASTS: Final = timedelta(days=7)  # a pre-authorisation, midtrans.md 4.2
BATCH_HOUR, BATCH_MINUTE = 16, 15  # card settlement, the next day in Jakarta, midtrans.md 11.3


class Gateway:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        self.agenda = Agenda(self.clock)
        self.book = Book(_fact_file(config, self.clock))
        self.vault = Vault(self.clock)
        self.sessions = Sessions()
        self.replays = Replays(self.clock)
        self.faults = Faults()
        self.outbox = Outbox(
            self.clock,
            self.agenda,
            delay_seconds=config.notify_delay_seconds,
            time_scale=config.notify_time_scale,
        )

    def open(self, order: Order, notify_urls: tuple[str, ...]) -> Transaction:
        """A pending transaction in the book, not announced yet."""
        transaction_id, now = self._new_id(order.method_name), self.clock.now()
        made = order.method.build(self._draft(transaction_id, order))
        transaction = Transaction(
            transaction_id=transaction_id,
            order_id=order.order_id,
            method_name=order.method_name,
            payment_type=order.method.payment_type,
            gross_amount=order.amount,
            created_at=now,
            expires_at=order.expires_at,
            notify_urls=notify_urls,
            fraud_status="accept" if order.method.fraud_screened else None,
            detail=made.detail,
            once=made.once,
            echoes=order.echoes,
            options=order.options,
            history=[(now, Status.PENDING)],
        )
        self.book.add(transaction, made.numbers)
        self.expire_at(transaction, order.expires_at)
        return transaction

    def move(self, transaction: Transaction, to: Status, *, fraud: str | None = None) -> None:
        """Changes the status, plans what follows from it, and tells the merchant."""
        now = self.clock.now()
        transaction.move(to, now)
        transaction.fraud_status = fraud or transaction.fraud_status
        self.book.moved(transaction)
        if to is Status.CAPTURE:
            self.agenda.at(_next_batch(now), lambda: self._settle(transaction))
        if to is Status.AUTHORIZE:
            self.expire_at(transaction, now + HOLD_LASTS)
        if to is Status.SETTLEMENT and transaction.reversed_after_seconds is not None:
            self.agenda.after(
                transaction.reversed_after_seconds, lambda: self._reverse(transaction)
            )
        self.announce(transaction)

    def announce(self, transaction: Transaction) -> None:
        self.outbox.post(transaction.notify_urls, self.notice_body(transaction))

    def notice_body(self, transaction: Transaction) -> Fields:
        return notice_body(transaction, self.config.merchant_id, self.config.server_key)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.agenda.run_due()

    def expire_at(self, transaction: Transaction, moment: datetime) -> None:
        transaction.expires_at = moment
        self.agenda.at(moment, lambda: self._expire(transaction, moment))

    def settle(self, transaction: Transaction) -> None:
        if transaction.status is not Status.CAPTURE:
            raise NotPossible(f"Only a captured card can be settled; this is {transaction.status}.")
        self._settle(transaction)

    def _settle(self, transaction: Transaction) -> None:
        """The batch settles captured cards, and cancels those still under review (6)."""
        if transaction.status is Status.CAPTURE:
            challenged = transaction.fraud_status == "challenge"
            self.move(transaction, Status.CANCEL if challenged else Status.SETTLEMENT)

    def _reverse(self, transaction: Transaction) -> None:
        if transaction.status is Status.SETTLEMENT:
            self.move(transaction, Status.DENY)

    def _expire(self, transaction: Transaction, moment: datetime) -> None:
        waiting = transaction.status in (Status.PENDING, Status.AUTHORIZE)
        if waiting and transaction.expires_at == moment:
            self.move(transaction, Status.EXPIRE)

    def _draft(self, transaction_id: str, order: Order) -> Draft:
        return Draft(
            transaction_id=transaction_id,
            amount=order.amount,
            merchant_id=self.config.merchant_id,
            options=order.options,
            url=self.config.public_url,
            is_free=self.book.is_free,
        )

    def _new_id(self, method_name: str) -> str:
        """A UUID, but not for DANA (midtrans.md 4.1): clients must take ids as they come."""
        if method_name != "dana":
            return str(uuid4())
        return f"A1{self.clock.now():%Y%m%d%H%M%S}{uuid4().hex[:12].upper()}ID"


def _next_batch(now: datetime) -> datetime:
    batch = now.replace(hour=BATCH_HOUR, minute=BATCH_MINUTE, second=0, microsecond=0)
    return batch + timedelta(days=1)


def _fact_file(config: Config, clock: Clock) -> FactFile | None:
    return FactFile(Path(config.book), clock.now()) if config.book else None
