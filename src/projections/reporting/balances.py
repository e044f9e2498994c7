"""Balances by account and day, as entries up to a position make them."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import Report

REPORT: Final = Report(
    "balances",
    sql.load(__name__),
    group="money",
    by="effective_on",
    order=("account", "currency", "effective_on"),
    exact=True,
)
