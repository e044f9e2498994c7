"""Writes docs/reporting.md: how a reporting job reads, and every view and column with its unit."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from api.reporting_text import TEXT
from projections.reporting import VIEWS
from projections.reporting.view import Column, Report, View

UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "minor units": "of `currency`, a whole number: for IDR whole rupiah, as no sen circulate",
        "ISO 4217": "code of a currency; only `IDR` so far",
        "count": "a whole number of things, or which one of a row of them, from 1",
        "part of one": "0.0417 is 4.17 per cent",
        "instant": "a moment; in files in UTC, to the microsecond",
        "day": "a calendar day in Jakarta (WIB, UTC+7)",
        "month": "a calendar month in Jakarta, by its first day",
        "position": "of the event log: events are numbered from 1 without gaps, in the order of recording",
        "id": "of something; ids of ours begin with what it is (`pay_`, `sub_`, `bill_`)",
        "word": "one of a fixed set, in lower case",
        "text": "words for people, or the name of an account, plan or product",
        "yes or no": "",
    }
)

SECTION: Final = """
### `{name}`

{words}
{dated}
| column | type | unit | |
|---|---|---|---|
{columns}"""

DATED: Final = "\nOver HTTP, `from` and `to` are of `{by}`, and rows are ordered by {order}.\n"


def render() -> str:
    reports = [view for view in VIEWS if isinstance(view, Report)]
    return TEXT.format(
        money=_listed(view for view in reports if view.group == "money"),
        views=_listed(view for view in reports if view.group == "views"),
        exact=_listed(view for view in reports if view.group == "views" and view.exact),
        units="".join(f"| {unit} | {words} |\n" for unit, words in UNITS.items()),
        sections="".join(map(_section, (*reports, *(v for v in VIEWS if v not in reports)))),
    )


def _section(view: View) -> str:
    dated = ""
    if isinstance(view, Report):
        order = ", ".join(f"`{column}`" for column in view.order)
        dated = DATED.format(by=view.by, order=order)
    return SECTION.format(
        name=view.name,
        words=view.words,
        dated=dated,
        columns="".join(_row(column) for column in view.columns),
    )


def _row(column: Column) -> str:
    return f"| `{column.name}` | {column.type} | {column.unit} | {column.words} |\n"


def _listed(views: Iterable[Report]) -> str:
    return ", ".join(f"`{view.name}`" for view in views)
