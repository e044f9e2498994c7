"""Every request a merchant made, in order of arrival, and what each of them did."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds, so that texts sort as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Entry(msgspec.Struct):
    serial: int  # from 1, without gaps
    at: str
    method: str
    path: str
    order_id: str  # empty when the request is about no order
    idempotency_key: str | None = None
    fault: str | None = None
    http_status: int | None = None  # None: nothing was answered, or not yet
    did: str | None = None  # charge, refund, cancel, capture, expire


class RequestLog:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.acting: Entry | None = None  # the request whose act is being performed
        self._by_order: defaultdict[str, list[Entry]] = defaultdict(list)
        self._seen: Counter[tuple[str, str, str]] = Counter()

    def __len__(self) -> int:
        return len(self.entries)

    def add(
        self, now: datetime, *, method: str, path: str, order_id: str, key: str | None
    ) -> Entry:
        entry = Entry(len(self.entries) + 1, iso(now), method, path, order_id, key)
        self.entries.append(entry)
        self._by_order[order_id].append(entry)
        return entry

    def nth(self, order_id: str, method: str, kind: str) -> int:
        """Counts one more request of this kind for this order; the first is 1."""
        self._seen[order_id, method, kind] += 1
        return self._seen[order_id, method, kind]

    def after(self, serial: int) -> Sequence[Entry]:
        return self.entries[max(0, serial) :]

    def about(self, order_id: str) -> Sequence[Entry]:
        return self._by_order.get(order_id, [])

    @contextmanager
    def performing(self, entry: Entry | None) -> Iterator[None]:
        """What changes meanwhile was done by this request. Nothing may be awaited inside."""
        self.acting = entry
        try:
            yield
        finally:
            self.acting = None
