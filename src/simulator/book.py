"""Every transaction ever, found by either id or by the number a customer pays to.

The book is the truth that a ledger can be compared with: it also holds every request a merchant
made, says which request made a transaction or a refund, and can write both to a file as they happen.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from simulator.facts import FactFile
from simulator.request_log import RequestLog
from simulator.transactions import Refund, Status, Transaction

# What a request did when it made a transaction become this. An approval leaves a capture a capture,
# and is none of them.
DID: Final = {
    (Status.AUTHORIZE, Status.CAPTURE): "capture",
    **{(before, Status.CANCEL): "cancel" for before in Status},
    **{(before, Status.EXPIRE): "expire" for before in Status},
}


Version = tuple[int, int, tuple[str, ...]]  # changes of status, amount, statuses of refunds


class Book:
    def __init__(self, facts: FactFile | None = None) -> None:
        self.requests = RequestLog()
        self.told: dict[str, tuple[Version, msgspec.Raw]] = {}  # as last shown, by transaction id
        self._facts = facts
        self._by_transaction: dict[str, Transaction] = {}
        self._by_order: defaultdict[str, list[Transaction]] = defaultdict(list)
        self._by_number: dict[str, Transaction] = {}

    def __iter__(self) -> Iterator[Transaction]:
        return iter(self._by_transaction.values())

    @property
    def orders(self) -> Mapping[str, Sequence[Transaction]]:
        """By order id, in order of the first charge; the transactions oldest first."""
        return self._by_order

    def add(self, transaction: Transaction, numbers: Iterable[str]) -> None:
        self._by_transaction[transaction.transaction_id] = transaction
        self._by_order[transaction.order_id].append(transaction)
        for number in numbers:
            self._by_number[number] = transaction
        transaction.request = self._did("charge")
        at = transaction.created_at
        self._note("charge", at, transaction, transaction.request, method=transaction.method_name)

    def moved(self, transaction: Transaction) -> None:
        """To be called after each change of status."""
        (_, before), (at, after) = transaction.history[-2:]
        self._note("status", at, transaction, self._did(DID.get((before, after))))

    def refunded(self, transaction: Transaction, refund: Refund) -> None:
        """To be called when a refund is accepted, confirmed or denied."""
        if refund.status == "accepted":
            refund.request = self._did("refund")
        about = {"refund_key": refund.key, "amount": refund.amount, "status": refund.status}
        self._note("refund", refund.changed_at, transaction, refund.request, **about)

    def by_transaction_id(self, transaction_id: str) -> Transaction | None:
        return self._by_transaction.get(transaction_id)

    def by_order_id(self, order_id: str) -> list[Transaction]:
        """Oldest first; empty when the order id was never charged."""
        return self._by_order.get(order_id, [])

    def by_number(self, number: str) -> Transaction | None:
        return self._by_number.get(number)

    def find(self, either_id: str) -> Transaction | None:
        """By transaction id, or the latest transaction under an order id."""
        attempts = self.by_order_id(either_id)
        return self.by_transaction_id(either_id) or (attempts[-1] if attempts else None)

    def is_free(self, number: str) -> bool:
        """No customer is still expected to pay to this number."""
        holder = self._by_number.get(number)
        return holder is None or holder.status is not Status.PENDING

    def close(self) -> None:
        if self._facts:
            self._facts.close()

    def _did(self, what: str | None) -> int | None:
        """Says of the request being performed what it did first; gives its serial."""
        entry = self.requests.acting
        if entry is None:
            return None
        entry.did = entry.did or what
        return entry.serial

    def _note(
        self, fact: str, at: datetime, transaction: Transaction, request: int | None, **more: Any
    ) -> None:
        transaction.changed_at_request = len(self.requests)
        if self._facts:
            about: dict[str, Any] = {
                "order_id": transaction.order_id,
                "transaction_id": transaction.transaction_id,
                "gross_amount": transaction.gross_amount,
                "status": transaction.status.value,
                "request": request,
            }
            self._facts.write(fact, at, **(about | more))
