"""`bukubesar clock`: what time it is in a database with a simulated clock, and moving it.

What moves it is imported when it is asked for: every process starts by way of the command line.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from api import time_words
from api.tools import opened
from ledger import clock, logs

if TYPE_CHECKING:
    from api.clock_travel import Traveller

console: Final = Console(highlight=False, soft_wrap=True)
app: Final = typer.Typer(
    help="The simulated clock of a database: show it, set it, let time pass.",
    no_args_is_help=True,
)

DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]
Within = Annotated[
    float, typer.Option("--within", help="Seconds that the work of one stop may take.")
]
Moment = Annotated[
    datetime, typer.Argument(parser=time_words.moment, help="2027-01-31 09:00; WIB unless it says.")
]
Duration = Annotated[
    timedelta, typer.Argument(parser=time_words.duration, help="31d, 2h, 1d12h30m.")
]
Stride = Annotated[
    timedelta | None,
    typer.Option(parser=time_words.duration, help="Work is done at most so often: 1h, 1d."),
]


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data_dir: DataDir = None,
) -> None:
    """What time it is here, whether it stands still, and where the gateway's simulator stands."""
    _travel(data_dir, lambda traveller: _tell(traveller, as_json))


@app.command("set")
def set_clock(
    moment: Moment,
    back: Annotated[bool, typer.Option("--back", help="It may lie in the past.")] = False,
    data_dir: DataDir = None,
) -> None:
    """To a moment, at once, as after downtime; the simulator of Midtrans comes along."""

    async def act(traveller: "Traveller") -> None:
        await traveller.set(moment, back=back)
        await _tell(traveller)

    _travel(data_dir, act)


@app.command()
def freeze(data_dir: DataDir = None) -> None:
    """Time stands still until `run`; `set` and `advance` move it."""
    _travel(data_dir, lambda traveller: _stand(traveller, True))


@app.command("run")
def run_on(data_dir: DataDir = None) -> None:
    """Time goes on from where it stood."""
    _travel(data_dir, lambda traveller: _stand(traveller, False))


@app.command()
def advance(
    duration: Duration,
    at_once: Annotated[bool, typer.Option("--at-once", help="As after downtime.")] = False,
    stride: Stride = None,
    within_seconds: Within = 60.0,
    data_dir: DataDir = None,
) -> None:
    """Let time pass: from each moment at which something falls due to the next, doing it there."""

    async def act(traveller: "Traveller") -> None:
        to = traveller.clock.now() + duration
        if at_once:
            await traveller.set(to)
        else:
            await traveller.advance(to, stride or timedelta())
        await _tell(traveller)

    _travel(data_dir, act, within_seconds)


@app.command("run-until-idle")
def run_until_idle(within_seconds: Within = 60.0, data_dir: DataDir = None) -> None:
    """Wait until nothing is due now, no notice waits, and the read models have caught up."""

    async def act(traveller: "Traveller") -> None:
        await traveller.run_until_idle()
        await _tell(traveller)

    _travel(data_dir, act, within_seconds)


def _travel(
    data_dir: Path | None,
    act: Callable[["Traveller"], Awaitable[None]],
    within_seconds: float = 60.0,
) -> None:
    logs.set_up("warning", as_json=False)
    with opened(data_dir) as settings:
        asyncio.run(_travelled(settings, act, within_seconds))


async def _travelled(
    settings: Any, act: Callable[["Traveller"], Awaitable[None]], within_seconds: float
) -> None:
    from api.clock_travel import traveller  # noqa: PLC0415

    progress = console.status("…") if console.is_terminal else nullcontext()
    with progress as shown:
        tell = shown.update if shown else lambda _: None
        async with traveller(settings, tell, within_seconds) as opened_traveller:
            await act(opened_traveller)


async def _stand(traveller: "Traveller", frozen: bool) -> None:
    await traveller.stand_still(frozen)
    await _tell(traveller)


async def _tell(traveller: "Traveller", as_json: bool = False) -> None:
    now, theirs = traveller.clock.now(), traveller.gateway and await traveller.gateway.read()
    ahead = round((now - clock.real_now()).total_seconds())
    if as_json:
        told = {
            "now": now.isoformat(),
            "frozen": traveller.is_frozen,
            "aheadSeconds": ahead,
            "gateway": theirs.now.isoformat() if theirs else None,
        }
        print(json.dumps(told))
        return
    state = "stands still" if traveller.is_frozen else "runs"
    console.print(f"{clock.in_wib(now)} ({now.isoformat(timespec='seconds')}); it {state}")
    console.print(
        f"{timedelta(seconds=abs(ahead))} {'ahead of' if ahead >= 0 else 'behind'} real time"
    )
    if traveller.stops:
        console.print(f"{traveller.stops} stops on the way")
    if theirs:
        console.print(f"the simulator of Midtrans: {clock.in_wib(theirs.now)}")
