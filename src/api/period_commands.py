"""`bukubesar period`: closing the books of a month."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from api.tools import opened, operator
from ledger import logs
from ledger.journal.events import PeriodClosed
from ledger.settings import Settings

DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]

app: Final = typer.Typer(help="Accounting periods.", no_args_is_help=True)


@app.callback()
def periods() -> None:
    """Accounting periods."""


@app.command("close")
def close(
    period: Annotated[str, typer.Argument(help="A month that is over, as 2026-11.")],
    reason: Annotated[str, typer.Option(help="Kept in the log, for auditors.")],
    by: Annotated[str, typer.Option(help="Who closes it; else who sits here.")] = "",
    data_dir: DataDir = None,
) -> None:
    """From now on nothing counts for its days any more: what comes late is of the first open day."""
    logs.set_up("warning", as_json=False)
    with opened(data_dir) as settings:
        closed = asyncio.run(_close(settings, period, by or operator(), reason))
    print(f"{closed.period} is closed: its books are final up to {closed.until}.")


async def _close(settings: Settings, period: str, by: str, reason: str) -> PeriodClosed:
    from api.wiring import open_wiring
    from ledger.journal.service import PeriodService

    async with open_wiring(settings, "tool") as wired:
        return await PeriodService(store=wired.store).close(period, by, reason)
