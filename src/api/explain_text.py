"""An explanation at the terminal: a tree, one line a part."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from rich.markup import escape
from rich.tree import Tree

from api.explaining import Explained
from ledger.clock import WIB
from ledger.money import Money
from projections.explaining.tree import Kind, Node


def drawn(explained: Explained) -> Tree:
    root = Tree(_line(explained.tree))
    _grow(root, explained, explained.tree, set())
    return root


def _grow(branch: Tree, explained: Explained, node: Node, shown: set[str]) -> None:
    """What a command brought stands below it once, however many events lead to it."""
    for part in node.parts:
        below = branch.add(_line(part))
        if part.command and part.command.command_id in shown:
            below.add("[dim]as above[/]")
        else:
            shown |= {part.command.command_id} if part.command else set()
            _grow(below, explained, part, shown)
    if kept := node.notice or node.answer:
        branch.add(escape(kept.body) if kept.body is not None else f"[dim]{GONE[node.kind]}[/]")
    if going_on := explained.further(node):
        branch.add(f"[dim]{escape(going_on.command)}[/]", highlight=False)


def _line(node: Node) -> str:
    return LINES.get(node.kind, _counted)(node)


def _money(node: Node) -> str:
    return f"[bold]{Money(node.amount or 0, node.currency)}[/]"


def _counted(node: Node) -> str:
    """Balances, months, days and what is left of them; movements of a kind."""
    what = "movement" if node.kind == "movements" or "movements" in node.words else "posting"
    return f"{_money(node)}  {escape(node.words)} ({node.count:,} {what}{'' if node.count == 1 else 's'})"


def _amount(node: Node) -> str:
    return f"{_money(node)}  {escape(node.words)}"


def _rest(node: Node) -> str:
    if node.amount is not None:
        return _counted(node)
    return f"{node.count:,} {escape(node.words)}, up to [bold]{node.after}[/]"


def _posting(node: Node) -> str:
    leg = node.posting
    if leg is None:
        return _amount(node)
    if leg.account == node.words:  # under its own entry
        return _amount(node)
    late = f", which names {leg.original_on}" if leg.original_on else ""
    place = f"counts for {leg.effective_on}{late} · entry {leg.entry_id}, position {leg.position}"
    return f"{_amount(node)} · {place}"


def _movement(node: Node) -> str:
    moved = node.movement
    if moved is None:
        return _amount(node)
    level = Money(moved.level, node.currency)
    return f"{_amount(node)} to {level} · {moved.plan_id} · {_at(moved.takes_effect_at)}"


def _state(node: Node) -> str:
    return f"{node.kind} {escape(node.words)} is [bold]{node.after}[/]"


def _step(node: Node) -> str:
    if node.before == node.after:
        return f"still {node.after}: {escape(node.words)}"
    return f"{node.before} → [bold]{node.after}[/]"


def _event(node: Node) -> str:
    fact = node.fact
    assert fact is not None
    return (
        f"{fact.topic} · {escape(fact.stream)} version {fact.version}, position {fact.position}"
        f" · happened {_at(fact.occurred_at)}"
    )


def _beside(node: Node) -> str:
    fact = node.fact
    assert fact is not None
    return f"[dim]with it: {fact.topic} · {escape(fact.stream)} version {fact.version}, position {fact.position}[/]"


def _command(node: Node) -> str:
    command = node.command
    assert command is not None
    why = f", because {escape(command.reason)}" if command.reason else ""
    request = f" · request {escape(command.request_id)}" if command.request_id else ""
    return (
        f"recorded by [bold]{escape(command.actor)}[/]{why} · {_at(command.recorded_at)}"
        f" · {command.command_id}{request}"
    )


def _answer(node: Node) -> str:
    answer = node.answer
    assert answer is not None
    return (
        f"the gateway said {escape(node.words) or 'so'} ({answer.source}) · SHA-256 {answer.digest}"
    )


def _notice(node: Node) -> str:
    notice = node.notice
    assert notice is not None
    return (
        f"notice: {escape(notice.said)} · received {_at(notice.received_at)} · {escape(notice.order_id)}"
        f" · SHA-256 {notice.digest}"
    )


def _notices(node: Node) -> str:
    return f"{escape(node.words)} {node.count:,} notice{'' if node.count == 1 else 's'}"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(WIB):%Y-%m-%d %H:%M:%S} WIB"


GONE: Final[dict[Kind, str]] = {"notice": "erased", "answer": "not kept any more"}

LINES: Final[dict[Kind, Callable[[Node], str]]] = {
    "posting": _posting,
    "movement": _movement,
    "recurring": _amount,
    "before": _amount,
    "rest": _rest,
    "payment": _state,
    "subscription": _state,
    "step": _step,
    "steps": _step,
    "event": _event,
    "entry": lambda node: f"entry {escape(node.words)}",
    "beside": _beside,
    "command": _command,
    "answer": _answer,
    "notice": _notice,
    "notices": _notices,
}
