"""What the demo prints: payments, books, times, the replay, and every claim with what was found."""

from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.demo import timing
from api.demo.answers import Event, TrialBalance
from api.demo.checks import Check
from api.demo.scene import Purchase, Scene
from api.demo.timing import Times
from ledger.money import Money
from ledger.payments.events import PaymentRequested
from ledger.payments.life import REFUND_TRANSITIONS, TRANSITIONS
from projections import replay_words

# The word for where an event leads, from the tables of a payment's and a refund's life.
# The request itself is left out: its first attempt stands beside it in the same append.
LEADS_TO: Final = {
    event.TOPIC: to.value for _, event, to in TRANSITIONS if to and event is not PaymentRequested
} | {event.TOPIC: f"refund {to.value}" for _, event, to in REFUND_TRANSITIONS}


def report(console: Console, scene: Scene) -> None:
    console.print(_payments([*scene.purchases, *scene.rush[:1]], len(scene.rush)))
    if scene.books:
        console.print(_books(scene.books))
    console.print(_times(scene))
    if scene.replayed:
        console.print("\n[bold]Replay of the log[/]")
        console.print(
            "\n".join(f"  {line}" for line in replay_words.of_report(scene.replayed)), markup=False
        )
    console.print(_checks(scene.checks.rows))


def _payments(purchases: Sequence[Purchase], rush: int) -> Table:
    table = _table(
        "Payments", "method", "what the payer was told", "states passed", ">fee", ">to booked"
    )
    for one in purchases:
        what = f"{one.what} (one of {rush})" if one.what.startswith("rush") else one.what
        fee = str(Money(one.payment.fee.total)) if one.payment.fee else ""
        table.add_row(
            escape(what),
            escape(one.told),
            states(one.events),
            fee,
            _seconds(timing.asked_to_booked_seconds(one)),
        )
    return table


def states(events: Sequence[Event]) -> str:
    return " → ".join(LEADS_TO[event.topic] for event in events if event.topic in LEADS_TO)


def _books(books: TrialBalance) -> Table:
    table = _table("Trial balance", "account", "", ">debit", ">credit", ">balance")
    for row in books.accounts:
        amounts = (row.debit, row.credit, row.balance)
        table.add_row(row.account, row.label, *(str(Money(amount)) for amount in amounts))
    table.add_section()
    for currency, total in books.totals.items():
        table.add_row("total", "", "", "", str(Money(total, currency)))
    return table


def _times(scene: Scene) -> Table:
    table = _table("How long it took", "", ">payments", ">median", ">p99")
    everyone = [*scene.purchases, *scene.rush]
    rows = {
        "from request to instructions": timing.to_instructions,
        "from payment to booked": timing.to_booked,
    }
    for words, measure in rows.items():
        table.add_row(words, *_row(measure(everyone)))
    return table


def _row(times: Times | None) -> tuple[str, str, str]:
    if times is None:
        return "0", "", ""
    return str(times.payments), _seconds(times.median_seconds), _seconds(times.p99_seconds)


def _checks(rows: Sequence[Check]) -> Table:
    table = _table("What was claimed, and checked", "", "claim", "expected", "found")
    for row in rows:
        mark = "[green]✓[/]" if row.passed else "[red]✗[/]"
        table.add_row(mark, escape(row.name), escape(row.expected), escape(row.found))
    return table


def _table(title: str, *columns: str) -> Table:
    """A column that begins with `>` is a number."""
    table = Table(
        title=f"\n[bold]{title}[/]",
        title_justify="left",
        title_style="",
        header_style="dim",
        box=SIMPLE_HEAD,
    )
    for name in columns:
        is_number = name.startswith(">")
        table.add_column(
            name.lstrip(">"), justify="right" if is_number else "left", no_wrap=is_number
        )
    return table


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f} s"
