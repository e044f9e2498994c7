"""Payments: one row a payment, as it stands."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import Report

REPORT: Final = Report(
    "payments",
    sql.load(__name__),
    group="views",
    by="created_at",
    order=("created_at", "payment_id"),
)
