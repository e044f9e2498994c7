"""How the attempts by each payment method ended, day by day."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import Report

REPORT: Final = Report(
    "method_success",
    sql.load(__name__),
    group="views",
    by="created_on",
    order=("created_on", "method"),
)
