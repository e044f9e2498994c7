"""Every transaction ever, found by either id or by the number a customer pays to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from simulator.transactions import Status, Transaction


class Book:
    def __init__(self) -> None:
        self._by_transaction: dict[str, Transaction] = {}
        self._by_order: defaultdict[str, list[Transaction]] = defaultdict(list)
        self._by_number: dict[str, Transaction] = {}

    def __iter__(self) -> Iterator[Transaction]:
        return iter(self._by_transaction.values())

    def add(self, transaction: Transaction, numbers: Iterable[str]) -> None:
        self._by_transaction[transaction.transaction_id] = transaction
        self._by_order[transaction.order_id].append(transaction)
        for number in numbers:
            self._by_number[number] = transaction

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
