"""Whether the kept states of long streams are what their events fold to. Processes start from them, so
one that somebody changed would be believed.
"""

from collections.abc import Iterator
from typing import Any, Final

import psycopg

from ledger.eventstore.mapping import EventMapper
from ledger.payments.deciding import PAYMENT
from projections.auditing import Finding
from projections.engine import sql
from projections.steps import Progress, silent

SQL: Final = sql.load(__name__)


def wrong_snapshots(
    connection: psycopg.Connection[Any], progress: Progress = silent
) -> Iterator[Finding]:
    """Those in today's form; others are not read by anybody."""
    mapper, form = EventMapper(), PAYMENT.snapshot
    all_kept = connection.execute(SQL["snapshots"], (form.format,)).fetchall()
    for number, (stream, version, kept) in enumerate(all_kept, 1):
        rows = connection.execute(SQL["events"], (stream, version), binary=True)
        state = PAYMENT.fold(mapper.decode(stream, *row).event for row in rows)
        if form.encode(state) != bytes(kept):
            yield Finding(
                rule="snapshots",
                words="the kept state is not what the events fold to; delete the row",
                stream=stream,
                version=version,
                table="snapshots",
                key=(stream,),
            )
        progress("folding", number, len(all_kept))
