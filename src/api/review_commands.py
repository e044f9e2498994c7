"""`bukubesar review`: what waits for a person, and what persons decide.

An answer counts once a second person has given the same; who a person is, the machine's account says.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from api.tools import opened, operator
from ledger import logs
from ledger.settings import Settings

MOST_LISTED: Final = 1_000

console: Final = Console(highlight=False)
DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]


app: Final = typer.Typer(help="What only a person can settle.", no_args_is_help=True)


@app.command("list")
def list_reviews(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line a question.")] = False,
) -> None:
    """What waits, the longest waiting first, with what may be decided."""
    logs.set_up("warning", as_json=False)
    with opened(data_dir) as settings:
        rows = asyncio.run(_waiting(settings))
    if as_json:
        for row in rows:
            print(msgspec.json.encode(row).decode())
    else:
        console.print(_table(rows) if rows else "Nothing waits for a person.")


@app.command("decide")
def decide(
    payment_id: str,
    decision: Annotated[str, typer.Argument(help="As `review list` shows.")],
    reason: Annotated[str, typer.Option(help="Kept in the log, for auditors.")],
    rule: Annotated[str, typer.Option(help="When it has several questions.")] = "",
    subject: Annotated[str, typer.Option(help="Attempt or refund, if several.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Propose an answer, or be the second person to give it."""
    logs.set_up("warning", as_json=False)
    with opened(data_dir) as settings:
        said = asyncio.run(
            _decide(settings, payment_id, rule, subject, decision, operator(), reason)
        )
    console.print(said)


async def _waiting(settings: Settings) -> list[dict[str, Any]]:
    from api.wiring import open_wiring
    from projections import reviews

    async with open_wiring(settings, "tool") as wired, wired.readers.connection() as conn:
        return await reviews.open_reviews(conn, MOST_LISTED)


def _table(rows: list[dict[str, Any]]) -> Table:
    from ledger.payments.reviewing import DECISIONS

    table = Table("payment", "question", "since", "words", "may be decided", "proposed")
    for row in rows:
        decisions = "\n".join(f"{one.name}: {one.words}" for one in DECISIONS[row["rule"]])
        proposed = f"{row['decision']} by {row['proposed_by']}" if row["decision"] else ""
        question = f"{row['rule']} {row['subject']}"
        since = row["asked_at"].isoformat(sep=" ", timespec="minutes")
        table.add_row(row["payment_id"], question, since, row["words"], decisions, proposed)
    return table


async def _decide(
    settings: Settings,
    payment_id: str,
    rule: str,
    subject: str,
    decision: str,
    by: str,
    reason: str,
) -> str:
    from api.wiring import open_wiring

    async with open_wiring(settings, "tool") as wired:
        decided = await wired.payments.decide_review(
            payment_id, rule, subject, decision, by, reason
        )
    proposed = [one for one in decided.questions if one.proposed and one.proposed.by == by]
    if proposed:
        return f"Proposed: {decision}. Another person has to decide the same."
    return f"Decided: {decision}. The payment is {decided.public_status}."
