"""The journal: one row a posting."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import Report

REPORT: Final = Report(
    "entries",
    sql.load(__name__),
    group="money",
    by="effective_on",
    order=("position", "leg"),
    exact=True,
)
