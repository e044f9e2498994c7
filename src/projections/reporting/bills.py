"""Bills: one row a bill, as it stands."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import Report

REPORT: Final = Report(
    "bills",
    sql.load(__name__),
    group="views",
    by="created_at",
    order=("created_at", "bill_id"),
)
