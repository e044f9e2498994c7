"""What the gateway charged and gave back: one row an entry."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import Report

REPORT: Final = Report(
    "fees",
    sql.load(__name__),
    group="money",
    by="effective_on",
    order=("position", "currency"),
    exact=True,
)
