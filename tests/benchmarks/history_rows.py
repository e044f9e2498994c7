"""Writing a made history: the log and each table of the read models by a COPY of its own, all at once,
so that PostgreSQL works on some while Python makes the next.
"""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Any, Final

import psycopg
from psycopg import sql as psql

from benchmarks.history_templates import BALANCES, HEALTH, Template
from benchmarks.stage import SCHEMA
from ledger.eventstore.migrate import LogNames
from support.payment_facts import AT

FINGERPRINT: Final = b"f" * 32
HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"
WINDOW: Final = 100  # the newest of a life: all that came in together last are among them
FLUSH_AT: Final = 100_000  # bytes of a table


class Writers:
    """One connection for each table; all is committed when the block ends well."""

    def __init__(self, conninfo: str, tables: Sequence[str]) -> None:
        self._conninfo, self._tables = conninfo, tables
        self._pending: dict[str, list[bytes]] = {name: [] for name in ("events", *tables)}
        self._stack = ExitStack()

    def __enter__(self) -> "Writers":
        names = LogNames(SCHEMA)
        self._copies = {
            "events": self._copy(names.schema, "events", "binary"),
            **{name: self._copy(names.read_schema, name, "text") for name in self._tables},
        }
        self._pending["events"].append(HEAD)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._pending["events"].append(END)
            self.flush(at=0)
        self._stack.__exit__(kind, error, traceback)

    def _copy(self, schema: str, table: str, form: str) -> psycopg.Copy:
        conn = self._stack.enter_context(psycopg.connect(self._conninfo))
        query = psql.SQL("copy {} from stdin (format {})").format(
            psql.Identifier(schema, table), psql.SQL(form)
        )
        return self._stack.enter_context(conn.cursor().copy(query))

    def event(
        self,
        stream: str,
        version: int,
        topic: str,
        state: bytes,
        position: int,
        digest: bytes,
        command: bytes | None,
    ) -> None:
        name, kind = stream.encode(), topic.encode()
        row = (8, len(name), name, 8, version, len(kind), kind, len(state), state, 8, position)
        form = _event_form(len(name), len(kind), len(state), len(command or b""))
        more = (len(command), command, 32, FINGERPRINT) if command else (-1, -1)
        self._pending["events"].append(form.pack(*row, 32, digest, *more))

    def rows(self, table: str, lines: bytes) -> None:
        self._pending[table].append(lines)

    def flush(self, at: int = FLUSH_AT) -> None:
        for table, parts in self._pending.items():
            if parts and sum(map(len, parts)) >= at:
                self._copies[table].write(b"".join(parts))
                parts.clear()


@cache
def _event_form(name: int, kind: int, state: int, command: int) -> struct.Struct:
    more = f"i{command}si32s" if command else "ii"
    return struct.Struct(f">hi{name}siqi{kind}si{state}siqi32s{more}")


class Sums:
    """The tables whose rows are of many payments."""

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()
        self._templates: dict[int, Template] = {}
        self._newest: dict[int, list[Mapping[bytes, Any]]] = {}
        self._health: Counter[tuple[str, datetime, bool]] = Counter()

    def add(self, template: Template, holes: Mapping[bytes, Any]) -> None:
        self._times[id(template)] += 1
        self._templates[id(template)] = template
        newest = self._newest.setdefault(id(template), [])
        newest.append(holes)
        del newest[:-WINDOW]
        began = holes[b"began"].replace(second=0)
        for method, minute, ok, failed in template.health:
            moment = began + (minute - AT)
            if ok:
                self._health[method, moment, True] += ok
            if failed:
                self._health[method, moment, False] += failed

    def write(self, writers: Writers) -> None:
        writers.rows(BALANCES, b"".join(_line(row) for row in self._rows_of_balances()))
        minutes = {(method, moment) for method, moment, _ in self._health}
        for method, moment in minutes:
            counts = [self._health[method, moment, fine] for fine in (True, False)]
            writers.rows(HEALTH, _line((method, moment.astimezone(UTC).isoformat(), *counts)))

    def _rows_of_balances(self) -> list[tuple[Any, ...]]:
        sums: dict[tuple[str, str], list[int]] = {}
        for key, template in self._templates.items():
            times, newest = self._times[key], self._newest[key]
            for account, currency, *amounts, version in template.balances:
                last = max(int(holes[b"p%d" % version]) for holes in newest)
                total = sums.setdefault((account, currency), [0] * len(amounts) + [0])
                for place, amount in enumerate(amounts):
                    total[place] += amount * times
                total[-1] = max(total[-1], last)
        return [(*key, *total) for key, total in sums.items()]


def _line(row: Sequence[Any]) -> bytes:
    return "\t".join(map(str, row)).encode() + b"\n"
