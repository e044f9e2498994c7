"""`bukubesar personal-data`: what is kept of one person, and erasing it, which takes two.

Who a person is, the machine's account says.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api import erasure_list
from api.tools import opened, operator
from ledger import logs
from ledger.customers.events import Basis, Why
from ledger.identity import new_id
from ledger.settings import Settings

if TYPE_CHECKING:
    from api.wiring import Wiring
    from ledger.customers.customer import Customer
    from ledger.eventstore.store import Context

WHAT_NEXT: Final = {
    "requested": "Another person has to ask for the same.",
    "approved": "A worker goes on with it.",
    "erased": "Nobody can read it any more.",
    "held": "It is kept meanwhile.",
}

app: Final = typer.Typer(help="Personal data of one customer.", no_args_is_help=True)

DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]


@app.command("show")
def show(customer_id: str, data_dir: DataDir = None) -> None:
    """All that is kept of them, in clear, as JSON. That it was shown stands in the log."""

    async def shown(wired: "Wiring") -> str:
        from api.disclosing import disclosed

        customer = await wired.erasure.disclose(customer_id, _context())
        found = await disclosed(wired, customer_id, customer, operator())
        return found.model_dump_json(by_alias=True, exclude_none=True, indent=2)

    print(_with(data_dir, shown))


@app.command("erase")
def erase(
    customer_id: str,
    reason: Annotated[Why, typer.Option(help="Kept in the log.")],
    payment: Annotated[
        list[str] | None, typer.Option(help="One that names no customer, and was theirs.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Ask for it, or be the second person to ask for the same; then it cannot be undone."""

    async def erased(wired: "Wiring") -> str:
        asked = await wired.erasure.erase(customer_id, payment or (), reason, _context())
        return _told(customer_id, asked)

    print(_with(data_dir, erased))


@app.command("hold")
def hold(
    customer_id: str,
    basis: Annotated[Basis, typer.Option(help="What wants it kept.")],
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Its last day.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """A law or a court wants their data kept: nobody erases it meanwhile."""
    day = until.date() if until else None

    async def held(wired: "Wiring") -> str:
        return _told(customer_id, await wired.erasure.hold(customer_id, basis, day, _context()))

    print(_with(data_dir, held))


@app.command("release")
def release(customer_id: str, data_dir: DataDir = None) -> None:
    """Lift a hold."""

    async def lifted(wired: "Wiring") -> str:
        return _told(customer_id, await wired.erasure.lift(customer_id, _context()))

    print(_with(data_dir, lifted))


@app.command("reapply")
def reapply(
    file: Annotated[
        Path | None, typer.Option(help="The list of erasures; else the one that is set.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """After a restore, before anything is served: erase again whom the backup has brought back."""

    async def again(wired: "Wiring") -> str:
        path = file or wired.settings.erasures_file
        if path is None or not path.exists():
            raise typer.BadParameter("There is no list; name it with --file.")
        listed, torn = erasure_list.read(path)
        done = await wired.erasure.reapply(listed, operator())
        cut = f"; {torn} lines say nothing, see whether each follows whole" if torn else ""
        return f"{len(listed)} on the list, {len(done)} erased again{cut}"

    print(_with(data_dir, again))


def _with(data_dir: Path | None, act: "Callable[[Wiring], Awaitable[str]]") -> str:
    logs.set_up("warning", as_json=False)
    with opened(data_dir) as settings:
        return asyncio.run(_wired(settings, act))


async def _wired(settings: Settings, act: "Callable[[Wiring], Awaitable[str]]") -> str:
    from api.wiring import open_wiring

    async with open_wiring(settings, "tool") as wired:
        return await act(wired)


def _context() -> "Context":
    from ledger.eventstore.store import Context

    return Context(command_id=new_id("cmd"), actor=operator())


def _told(customer_id: str, customer: "Customer") -> str:
    status = customer.erasure.status
    return f"{customer_id}: {status}. {WHAT_NEXT.get(status, '')}".rstrip()
