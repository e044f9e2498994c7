"""How far the read models behind the reports have come, and whether that is at the end of an append."""

from typing import Final

from projections.engine import sql
from projections.reporting.view import View

VIEW: Final = View("freshness", sql.load(__name__))
