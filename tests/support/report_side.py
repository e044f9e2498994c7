"""Read models followed by hand, with the views for reports on them, and who may read only those."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ledger.events import DomainEvent, Recorded
from ledger.eventstore.connections import connect
from projections.reporting.view import Report, View
from support.log_rows import SCHEMA
from support.read_side import ReadSide, open_read_side


class ReportSide(ReadSide):
    """`reports` asks in the role `reporting`; `appended` is what the log holds."""

    reports: psycopg.Connection[Any]

    def __init__(self, conninfo: str, connection: psycopg.Connection[Any]) -> None:
        super().__init__(conninfo, connection)
        self.appended: list[Recorded[DomainEvent]] = []

    def append(self, stream: str, facts: Sequence[DomainEvent]) -> None:
        self.appended += self.log.append(stream, facts)

    def report(self, query: str, *values: object) -> list[dict[str, Any]]:
        cursor = self.reports.cursor(row_factory=dict_row)
        return cursor.execute(query.encode(), values).fetchall()

    def all(self, view: View) -> list[dict[str, Any]]:
        order = view.order if isinstance(view, Report) else (view.columns[0].name,)
        return self.report(" ".join(("select * from", view.name, "order by", ", ".join(order))))


@contextmanager
def open_report_side(conninfo: str) -> Iterator[ReportSide]:
    with open_read_side(conninfo) as opened:
        side = ReportSide(conninfo, opened.connection)
        with connect(conninfo, SCHEMA, "reporting") as side.reports:
            yield side
