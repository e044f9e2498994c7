"""Rows and a series of seals over them, without a database."""

from datetime import UTC, datetime
from typing import Any, Final

from ledger.audit import seal as sealing
from ledger.audit.leaf import leaf
from ledger.audit.seal import Made, Seal
from ledger.eventstore.log_row import LogRow

KEY: Final = sealing.signing_key(bytes(range(32)))
OTHER: Final = sealing.signing_key(bytes(range(1, 33)))
PUBLIC: Final = sealing.public_key(KEY)
AT: Final = datetime(2026, 11, 26, 10, 30, 0, 123, tzinfo=UTC)


def row(position: int, **more: Any) -> LogRow:
    defaults: dict[str, Any] = {"stream": "pay_1", "version": position, "topic": "payment.paid.v1"}
    defaults |= {"state": b'{"m":{},"d":{}}', "hash": bytes([position % 256]) * 32}
    return LogRow(position=position, **(defaults | more))


def series(*sizes: int, key: Any = KEY) -> list[Seal]:
    """Seals over ranges of these sizes."""
    made: list[Made] = []
    position = 0
    for size in sizes:
        rows = [row(position + n + 1) for n in range(size)]
        position += size
        last = made[-1] if made else None
        leaves = [leaf(one) for one in rows]
        made.append(sealing.make("books", last, leaves, rows[-1].hash, AT, key))
    return [one.seal for one in made]
