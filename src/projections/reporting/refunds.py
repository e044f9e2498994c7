"""Refunds, from the history of their payments: what it says up to a position is the same for ever."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import Report

REPORT: Final = Report(
    "refunds",
    sql.load(__name__),
    group="views",
    by="requested_at",
    order=("requested_at", "refund_id"),
    exact=True,
)
