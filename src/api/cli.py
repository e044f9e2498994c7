"""`bukubesar`: every way in from a terminal."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer
import uvicorn
from rich.console import Console

from api import (
    clock_commands,
    explain_commands,
    period_commands,
    personal_commands,
    projection_commands,
    review_commands,
    seal_commands,
)
from api.children import die_with_parent
from api.descriptors import raise_descriptor_limit
from api.durability import check_durability
from api.simulated_clock import check_clock
from api.tools import operator
from ledger import logs
from ledger.access.roles import ROLES
from ledger.errors import LedgerError
from ledger.settings import Settings

app = typer.Typer(
    help="Event-sourced payment ledger for merchants on Midtrans.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would show connection strings
)
keys = typer.Typer(help="API keys: shown once, kept only as a keyed hash.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(projection_commands.app, name="projections")
app.add_typer(review_commands.app, name="review")
app.add_typer(seal_commands.app, name="seals")
app.add_typer(period_commands.app, name="period")
app.add_typer(personal_commands.app, name="personal-data")
app.add_typer(clock_commands.app, name="clock")
app.add_typer(explain_commands.app, name="explain")

console: Final = Console(highlight=False)

DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Of the API; 0 for any free one.")] = 8080,
    simulator_port: Annotated[int, typer.Option(help="Of the local Midtrans; 0 for any.")] = 8081,
    data_dir: DataDir = None,
    workers: Annotated[int, typer.Option(min=1, max=32)] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line once everything answers.")
    ] = False,
) -> None:
    """Run everything on this machine until Ctrl-C: PostgreSQL, the API, workers and a local
    Midtrans.
    """
    from api.up import Asked, Deployment

    settings = _settings(quiet=True)
    asked = Asked(port=port, simulator_port=simulator_port, data_dir=data_dir, workers=workers)
    deployment = Deployment(asked, settings)
    try:
        running = deployment.start()
        print(running.as_json() if as_json else _welcome(running, deployment.data_dir), flush=True)
        deployment.run_until_signal()
    finally:
        deployment.stop()


@app.command()
def serve() -> None:
    """Serve the HTTP API."""
    from api.app import create_app

    die_with_parent()
    raise_descriptor_limit()
    settings = _settings_of_a_safe_database()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here depends on who a proxy says that it speaks for
        backlog=4096,
        timeout_graceful_shutdown=15,
    )


@app.command()
def work() -> None:
    """Follow the log, ask after notices, and do what is due; run as many as you like."""
    die_with_parent()
    raise_descriptor_limit()
    settings = _settings_of_a_safe_database()
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(_work(settings))


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version; safe to repeat."""
    from api.wiring import prepare

    prepare(_settings())


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def simulator(context: typer.Context) -> None:
    """A local Midtrans: --port N --server-key K --client-key K --merchant-id M --notify-url U."""
    die_with_parent()
    # Another program that shares nothing with us: it takes this process' place.
    os.execv(sys.executable, [sys.executable, "-m", "simulator", *context.args])


@app.command()
def demo(data_dir: DataDir = None) -> None:
    """Take payments by every method against a local Midtrans, and prove that the books are right."""
    from api.demo.story import main as tell

    raise typer.Exit(tell(data_dir))


@app.command()
def prove(
    event: Annotated[str, typer.Argument(help="Its position in the log, or STREAM:VERSION.")],
    out: seal_commands.Out = None,
    seals: seal_commands.Outside = None,
    data_dir: DataDir = None,
) -> None:
    """Write the proof that an event stands in the log as it was sealed, for `bukubesar-verify`."""
    seal_commands.prove(event, out, seals, data_dir)


@app.command()
def documents(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("docs"),
) -> None:
    """Write what is generated: event schemas, OpenAPI, the list of problems, the payment's life."""
    from api.documents import write

    for path in write(folder):
        console.print(path)


@keys.command("create")
def create_key(
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")],
    account: Annotated[
        str, typer.Option(help="Whose requests share idempotency keys.")
    ] = "default",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it, once."""
    from api.tools import opened

    _settings(quiet=True)
    with opened(data_dir) as settings:
        print(asyncio.run(_create_key(settings, role, account, label)))


@keys.command("revoke")
def revoke_key(
    key_id: str, reason: Annotated[str, typer.Option()] = "", data_dir: DataDir = None
) -> None:
    """Refuse a key from now on, everywhere within five seconds."""
    from api.tools import opened

    _settings(quiet=True)
    with opened(data_dir) as settings:
        asyncio.run(_revoke_key(settings, key_id, reason))


@app.command()
def database(data_dir: DataDir = None) -> None:
    """Print how to connect to the database; one that is stopped runs until Ctrl-C."""
    from api.tools import is_running, opened

    _settings(quiet=True)
    running = is_running(data_dir)
    with opened(data_dir) as settings:
        print(settings.database_url.get_secret_value(), flush=True)
        if not running:
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


def _settings(*, quiet: bool = False) -> Settings:
    settings = Settings()
    logs.set_up("warning" if quiet else settings.log_level, as_json=settings.log_json)
    return settings


def _settings_of_a_safe_database() -> Settings:
    """No process takes commands for a server that could lose what it acknowledged, nor real money
    by a simulated clock.
    """
    settings = _settings()
    check_durability(settings.database_url.get_secret_value())
    check_clock(settings)
    return settings


def _loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """The same as under `serve`."""
    from uvicorn.loops.auto import auto_loop_factory

    return auto_loop_factory()


async def _work(settings: Settings) -> None:
    from api.wiring import open_wiring
    from api.worker import Worker

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stop.set)
    async with open_wiring(settings, "worker") as wired:
        await Worker(wired).run(stop)


async def _create_key(settings: Settings, role: str, account: str, label: str) -> str:
    from api.wiring import open_wiring

    async with open_wiring(settings, "tool") as wired:
        key, _ = await wired.api_keys.issue(role, account, label or role, by=operator())
        return key


async def _revoke_key(settings: Settings, key_id: str, reason: str) -> None:
    from api.wiring import open_wiring

    async with open_wiring(settings, "tool") as wired:
        await wired.api_keys.revoke(key_id, by=operator(), reason=reason)


def _welcome(running: Any, data_dir: Path) -> str:
    return f"""Bukubesar is up. Ctrl-C ends it; what it knows stays in {data_dir}.

  API        {running.api}
  Midtrans   {running.simulator}  (a local simulator; open it to act as the payer)
  API key    {running.key}

Try:

  curl -s {running.api}/api/v1/payments \\
    -H 'Authorization: Bearer {running.key}' \\
    -H 'Idempotency-Key: first-payment' -H 'Content-Type: application/json' \\
    -d '{{"amount": 99000, "currency": "IDR", "paymentMethod": "bca_va"}}'
"""


def main() -> None:
    """A refusal is one line and exit code 1, not a traceback."""
    try:
        app()
    except psycopg.OperationalError as error:
        print(
            f"bukubesar: PostgreSQL: {error.diag.message_primary or 'no answer'}", file=sys.stderr
        )
        sys.exit(1)
    except LedgerError as refusal:
        print(f"bukubesar: {refusal} ({refusal.code})", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
