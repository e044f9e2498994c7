"""One call of the SQL function append(): binary arrays, a prepared statement, and a deadline that
holds against a frozen server.

The arrays are made by hand because psycopg's list parameters cost five times the CPU (parts.md 3).
"""

import select
import struct
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg import pq

from ledger import clock

ANSWER_SECONDS: Final = (
    3.0  # how long PostgreSQL may take for one batch before the connection is given up
)
REFUSED_CLASSES: Final = (
    "22",
    "23",
    "42",
    "P0",
)  # data, constraint, rights and syntax, PL/pgSQL; all else may pass

# Per command: its id, the fingerprint of its request, its events.
Batch = Sequence[tuple[str, bytes, Sequence[StoredEvent]]]

# Per command, as text: ordinal, outcome, position, stream, version, fingerprint.
Rows = list[list[bytes | None]]


class ConnectionLost(Exception):
    """The reply did not come; the batch may or may not have been committed."""


class BatchRefused(Exception):
    """The server is well and says that these rows may not stand; nothing of the batch was
    committed.
    """


_STATEMENT: Final = b"append"
_QUERY: Final = b"select * from append($1, $2, $3, $4, $5, $6, $7)"
_TEXT, _BYTEA, _INT8, _INT4 = 25, 17, 20, 23
_ARRAY_OF: Final = {_TEXT: 1009, _BYTEA: 1001, _INT8: 1016, _INT4: 1007}
_TYPES: Final = (_TEXT, _BYTEA, _INT4, _TEXT, _INT8, _TEXT, _BYTEA)
_LENGTH: Final = struct.Struct(">i")
_INT8_ITEM: Final = struct.Struct(">iq")
_INT4_ITEM: Final = struct.Struct(">ii")


def prepared(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    result = conn.pgconn.prepare(_STATEMENT, _QUERY, [_ARRAY_OF[kind] for kind in _TYPES])
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
    conn.pgconn.nonblocking = 1
    return conn


def _parameters(batch: Batch) -> list[bytes]:
    events = [event for _, _, of_command in batch for event in of_command]
    lasts, count = [], 0
    for _, _, of_command in batch:
        count += len(of_command)
        lasts.append(count)
    return [
        _bytes_array(_TEXT, [command_id.encode() for command_id, _, _ in batch]),
        _bytes_array(_BYTEA, [fingerprint for _, fingerprint, _ in batch]),
        _header(_INT4, len(lasts)) + b"".join(_INT4_ITEM.pack(4, last) for last in lasts),
        _bytes_array(_TEXT, [str(event.originator_id).encode() for event in events]),
        _header(_INT8, len(events))
        + b"".join(_INT8_ITEM.pack(8, event.originator_version) for event in events),
        _bytes_array(_TEXT, [event.topic.encode() for event in events]),
        _bytes_array(_BYTEA, [event.state for event in events]),
    ]


def _header(element: int, length: int) -> bytes:
    return struct.pack(">iiiii", 1, 0, element, length, 1)


def _bytes_array(element: int, items: Sequence[bytes]) -> bytes:
    return _header(element, len(items)) + b"".join(
        part for item in items for part in (_LENGTH.pack(len(item)), item)
    )


def send(pgconn: pq.abc.PGconn, batch: Batch) -> None:
    """Raises ConnectionLost when the server does not take it in time."""
    parameters = _parameters(batch)
    pgconn.send_query_prepared(_STATEMENT, parameters, [1] * len(parameters))
    deadline = clock.monotonic_seconds() + ANSWER_SECONDS
    while pgconn.flush():
        _wait(pgconn.socket, deadline, writing=True)
        pgconn.consume_input()


def receive(pgconn: pq.abc.PGconn) -> Rows:
    """The outcomes of what was sent, in order; raises BatchRefused, or ConnectionLost when they do
    not come in time.
    """
    deadline = clock.monotonic_seconds() + ANSWER_SECONDS
    rows: Rows = []
    failure: Exception | None = None
    while True:
        while pgconn.is_busy():
            _wait(pgconn.socket, deadline)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            break
        if result.status != pq.ExecStatus.TUPLES_OK:
            failure = _failure(result)
        columns = range(result.nfields)
        rows += [
            [result.get_value(row, column) for column in columns] for row in range(result.ntuples)
        ]
    if failure:
        raise failure
    return rows


def _failure(result: pq.abc.PGresult) -> Exception:
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    words = result.error_message.decode(errors="replace").strip()
    return BatchRefused(words) if state[:2] in REFUSED_CLASSES else ConnectionLost(words)


def _wait(socket: int, deadline: float, *, writing: bool = False) -> None:
    ready = select.poll()
    ready.register(socket, select.POLLIN | (select.POLLOUT if writing else 0))
    left = deadline - clock.monotonic_seconds()
    if left <= 0 or not ready.poll(left * 1000):
        raise ConnectionLost(f"no answer within {ANSWER_SECONDS:g} s")
