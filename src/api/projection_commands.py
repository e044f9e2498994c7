"""`bukubesar projections`: how the read models fare, and what to do once something was repaired.

What they do is imported when it is asked for: every process starts by way of the command line.
"""

from pathlib import Path
from typing import Annotated

import typer

from ledger import logs

app = typer.Typer(
    help="Read models: how far they are, what they could not apply, and resuming them.",
    invoke_without_command=True,
)

DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]


@app.callback()
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data_dir: DataDir = None,
) -> None:
    """How far each group of read models is, where it has halted, and which streams it has parked."""
    logs.set_up("warning", as_json=False)
    if context.invoked_subcommand:
        return
    from api import read_models  # noqa: PLC0415

    print(read_models.as_json(data_dir) if as_json else read_models.as_text(data_dir))


@app.command()
def resume(
    group: Annotated[str, typer.Argument(help="Its name; else every group.")] = "",
    data_dir: DataDir = None,
) -> None:
    """After a repair: go on where a group halted, and rebuild one that has parked streams."""
    from api import read_models  # noqa: PLC0415

    for line in read_models.resumed(data_dir, group):
        print(line, flush=True)


@app.command()
def rebuild(
    group: Annotated[str, typer.Argument(help="Its name; else every group.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Make read models again from the first event, beside the live ones, and swap them in."""
    from api import read_models  # noqa: PLC0415
    from api.tools import opened  # noqa: PLC0415
    from projections.replay_words import of_rebuilt  # noqa: PLC0415

    found = False
    with opened(data_dir) as settings:
        for done in read_models.rebuilt(settings, group):
            print("\n".join(of_rebuilt(done)), flush=True)
            found = found or done.finding is not None
    raise typer.Exit(1 if found else 0)
