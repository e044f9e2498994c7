"""Monthly recurring revenue with its movements, month by month."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import Report

REPORT: Final = Report(
    "recurring_revenue",
    sql.load(__name__),
    group="views",
    by="month",
    order=("currency", "month"),
)
