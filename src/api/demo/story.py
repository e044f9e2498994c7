"""`bukubesar demo`: the acts in their order, then the proof. Exit code 0 only if every claim was
checked and holds.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from api.demo import (
    auditing,
    buying,
    erasing,
    giving_back,
    going_wrong,
    notices,
    proving,
    stage,
    subscribing,
    table,
)
from api.demo.checks import Checks
from api.demo.client import Api, Gateway
from api.demo.scene import Scene
from api.embedded import default_data_dir
from ledger import clock

PLAIN_WIDTH: Final = 200  # columns when nobody's terminal says otherwise

Act = Callable[[Scene], Awaitable[None]]

ACTS: Final[tuple[tuple[str, Act], ...]] = (
    ("The gateway is down when the first payer comes", going_wrong.gateway_down),
    ("Payers pay by every method of the catalogue", buying.every_method),
    ("Payers leave the choice of the method to us", buying.families),
    ("Cards are denied, secured, held and captured in part", buying.cards),
    ("The gateway settles the cards", buying.settling),
    ("Money goes back to payers", giving_back.refunds),
    ("Codes expire, wallets refuse, a bank takes money back", going_wrong.endings),
    ("Notices come thrice", notices.repeated),
    ("Notices come in the wrong order", notices.disordered),
    ("Somebody forges notices", notices.forged),
    ("The gateway is back", going_wrong.gateway_back),
    ("Everybody pays at once", buying.rush_hour),
    ("Customers subscribe", subscribing.subscribe),
    ("A month passes", subscribing.month),
    ("One customer is erased, and the trial balance is unchanged", erasing.forgotten),
    ("The history of every payment is read", proving.histories),
    ("Our payments are compared with the gateway's book", proving.gateways_book),
    ("The books are added up", proving.trial_balance),
    ("The log is replayed", proving.replay),
    ("The log is sealed, and checked offline", auditing.sealed),
    ("One number is explained, down to who had it recorded", auditing.explained),
    (auditing.ADDED_UP, auditing.added_up),
)


def main(data_dir: Path | None = None) -> int:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    folder = (data_dir or default_data_dir() / "demo").resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    began = clock.monotonic_seconds()
    try:
        with stage.emptied(folder):
            checks = _play(console, folder)
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return 130
    return _verdict(console, checks, folder, clock.monotonic_seconds() - began)


def _play(console: Console, folder: Path) -> Checks:
    console.print("[dim]starting PostgreSQL, the API, a worker and a local Midtrans …[/]")
    with stage.started(folder) as running:
        keys = stage.issue_keys(folder, "service", "auditor", "operator")
        scene = asyncio.run(_tell(console, running, folder, keys))
        table.report(console, scene)
    return scene.checks


async def _tell(console: Console, running: stage.Stage, folder: Path, keys: Sequence[str]) -> Scene:
    api, gateway = Api(running.api, *keys), Gateway(running.simulator)
    scene = Scene(api, gateway, Checks(), running.database, str(folder))
    try:
        for title, act in ACTS:
            await _show(console, scene, title, act)
    finally:
        await api.close()
        await gateway.close()
    return scene


async def _show(console: Console, scene: Scene, title: str, act: Act) -> None:
    before, began = len(scene.checks.rows), clock.monotonic_seconds()
    waiting: Any = console.status(title) if console.is_terminal else nullcontext()
    with waiting:
        await scene.try_to(title, act(scene))
    rows = scene.checks.rows[before:]
    mark = "[green]✓[/]" if all(row.passed for row in rows) else "[red]✗[/]"
    took = clock.monotonic_seconds() - began
    console.print(f"{mark} {title:<56} {len(rows):>3} checks {took:>6.1f} s")


def _verdict(console: Console, checks: Checks, folder: Path, took: float) -> int:
    failed = checks.failed
    for row in failed:
        console.print(
            f"✗ {row.name}: expected {row.expected}, found {row.found}", markup=False, style="red"
        )
    passed = len(checks.rows) - len(failed)
    words = "every claim holds" if not failed else f"{len(failed)} do NOT hold"
    console.print(
        f"\n[bold]{passed} of {len(checks.rows)} checks passed: {words}.[/] It took {took:.0f} s."
    )
    console.print(
        "The deployment is stopped; its log stays. To replay it once more:\n\n  python scripts/replay.py\n"
    )
    console.print(f"The data lies in {folder}.", markup=False, soft_wrap=True)
    return 1 if failed else 0
