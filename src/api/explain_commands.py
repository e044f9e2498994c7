"""`bukubesar explain`: why a number or a state is what it is, as a tree.

What they do is imported when it is asked for: every process starts by way of the command line.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ledger import logs
from projections.explaining.tree import DEFAULT_SIZE, LARGEST_SIZE

if TYPE_CHECKING:
    from api.explaining import Explained
    from api.wiring import Wiring
    from ledger.settings import Settings

MONTH: Final = re.compile(r"20\d{2}-(0[1-9]|1[0-2])")
WIDTH: Final = 100_000  # more than a notice has

app = typer.Typer(
    help="Why a number or a state is what it is: down to events, commands and the gateway's notices.",
    no_args_is_help=True,
)

DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="As the API answers, for programs.")]
Cursor = Annotated[str | None, typer.Option(help="As it was printed for going on.")]
Size = Annotated[
    int, typer.Option("--page-size", min=1, max=LARGEST_SIZE, help="Parts a page, at most.")
]
THEN: Final = "A position of the log, or a moment with its offset."


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("As 2026-11-23.") from None


def _month(text: str) -> date:
    if not MONTH.fullmatch(text):
        raise typer.BadParameter("As 2026-11.")
    return date.fromisoformat(f"{text}-01")


def _point(text: str) -> int | datetime:
    if text.isdecimal() and int(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(THEN) from None
    if moment.tzinfo is None:
        raise typer.BadParameter(THEN)
    return moment


AsOf = Annotated[Any, typer.Option(parser=_point, metavar="POINT", help=f"As it stood. {THEN}")]


@app.command("balance")
def balance(
    account: Annotated[str, typer.Argument(help="As Assets:Gateway:Midtrans:Available.")],
    currency: Annotated[str, typer.Option()] = "IDR",
    effective_on: Annotated[
        Any, typer.Option(parser=_day, metavar="DAY", help="By what counts up to this day.")
    ] = None,
    known_at: Annotated[
        Any, typer.Option(parser=_point, metavar="POINT", help=f"As known then. {THEN}")
    ] = None,
    month: Annotated[Any, typer.Option(parser=_month, metavar="MONTH", help="Only of it.")] = None,
    day: Annotated[Any, typer.Option(parser=_day, metavar="DAY", help="Only of it.")] = None,
    cursor: Cursor = None,
    size: Size = DEFAULT_SIZE,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """What an account holds: whole where it fits, else by month, by day, and in pages of postings."""
    from api import explaining

    asked = explaining.AskedOfAccount(
        account=account,
        currency=currency,
        effective_on=effective_on,
        point=known_at,
        month=month,
        day=day,
        cursor=cursor,
        size=size,
    )
    _show(lambda wired: explaining.balance(wired, asked), as_json, data_dir)


@app.command("payment")
def payment(
    payment_id: str,
    as_of: AsOf = None,
    cursor: Cursor = None,
    size: Size = DEFAULT_SIZE,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """The status of a payment: each event of it, newest first, with its entries."""
    from api import explaining

    _show(
        lambda wired: explaining.payment(wired, payment_id, as_of, cursor, size), as_json, data_dir
    )


@app.command("subscription")
def subscription(
    subscription_id: str,
    as_of: AsOf = None,
    cursor: Cursor = None,
    size: Size = DEFAULT_SIZE,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """The status of a subscription: what moved it, newest first."""
    from api import explaining

    _show(
        lambda wired: explaining.subscription(wired, subscription_id, as_of, cursor, size),
        as_json,
        data_dir,
    )


@app.command("recurring")
def recurring(
    month: Annotated[Any, typer.Argument(parser=_month, metavar="MONTH", help="As 2026-11.")],
    kind: Annotated[
        str | None, typer.Option(help="new, expansion, contraction, churn or reactivation.")
    ] = None,
    cursor: Cursor = None,
    size: Size = DEFAULT_SIZE,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Recurring revenue (MRR) at the end of a month: where it began, and what moved it."""
    from api import explaining
    from projections.recurring_revenue import KINDS

    known = next((one for one in KINDS if one == kind), None)
    if kind and not known:
        raise typer.BadParameter(f"There are {', '.join(KINDS)}.", param_hint="--kind")
    _show(lambda wired: explaining.recurring(wired, month, known, cursor, size), as_json, data_dir)


def _show(
    explain: "Callable[[Wiring], Awaitable[Explained]]", as_json: bool, data_dir: Path | None
) -> None:
    from rich.console import Console

    from api.explain_text import drawn
    from api.explain_views import ExplanationView
    from api.tools import opened

    logs.set_up("warning", as_json=False)
    with opened(data_dir) as settings:
        explained = asyncio.run(_explained(settings, explain))
    if as_json:
        view = ExplanationView.of(explained)
        print(view.model_dump_json(by_alias=True, exclude_none=True))
    else:
        # What goes to a file or another program is not broken into lines of a terminal's width.
        width = None if sys.stdout.isatty() else WIDTH
        Console(highlight=False, width=width).print(drawn(explained))


async def _explained(
    settings: "Settings", explain: "Callable[[Wiring], Awaitable[Explained]]"
) -> "Explained":
    from api.wiring import open_wiring

    async with open_wiring(settings, "tool") as wired:
        return await explain(wired)
