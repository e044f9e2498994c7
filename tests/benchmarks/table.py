"""The figures of a run: a table for people, `bench.json` for programs."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Figure

COLUMNS = ("clients", "ours/s", "floor/s", "ratio", "p50 ms", "p99 ms", "bar", "")
SHORT = {
    "ratio": "{:.2f}",
    "rate": "{:,.0f}/s",
    "p99": "{:.0f} ms",
    "amount": "{:,.2f}",
    "least": "{:,.0f}",
}


def show(figures: Sequence[Figure], console: Console) -> None:
    table = Table(title="Medians over the rounds; a ratio is the median of each round's own ratio")
    table.add_column("what")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for figure in figures:
        table.add_row(*cells(figure))
    console.print(table)


def cells(figure: Figure) -> tuple[str, ...]:
    numbers = (f"{figure.ours_per_s:,.0f}", f"{figure.floor_per_s:,.0f}", f"{figure.ratio:.2f}")
    waits = (f"{figure.p50_ms:,.1f}", f"{figure.p99_ms:,.1f}")
    told = [text if text != "nan" else "" for text in (*numbers, *waits)]
    return (figure.name, str(figure.clients), *told, _bar(figure), _verdict(figure))


def as_json(figures: Sequence[Figure], machine: Mapping[str, Any]) -> str:
    return json.dumps([_plain(figure, machine) for figure in figures], indent=1) + "\n"


def write(figures: Sequence[Figure], machine: Mapping[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_json(figures, machine), encoding="utf-8")


def as_markdown(figures: Sequence[Figure]) -> str:
    """For docs/performance.md."""
    lines = ["| what | " + " | ".join(COLUMNS[:-1]) + " | reached |", "|---" * 9 + "|"]
    lines += ["| " + " | ".join(cells(figure)) + " |" for figure in figures]
    return "\n".join(lines) + "\n"


def _bar(figure: Figure) -> str:
    if figure.bar is None:
        return ""
    sign = "≤" if figure.kind in ("p99", "amount") else "≥"
    return f"{sign} {_worded(figure, figure.bar)}"


def _verdict(figure: Figure) -> str:
    if figure.reached is None:
        return _worded(figure, figure.value) if not math.isnan(figure.value) else ""
    if figure.reached:
        return f"reached: {_worded(figure, figure.measured)}"
    assert figure.bar is not None
    missing = f" by {abs(figure.measured / figure.bar - 1):.0%}" if figure.bar else ""
    return f"SHORT{missing}: {_worded(figure, figure.measured)}"


def _worded(figure: Figure, number: float) -> str:
    return f"{SHORT[figure.kind].format(number)}{figure.unit and ' ' + figure.unit}"


def _plain(figure: Figure, machine: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {
        "ours_per_s": figure.ours_per_s,
        "floor_per_s": figure.floor_per_s,
        "ratio": figure.ratio,
        "p50_ms": figure.p50_ms,
        "p99_ms": figure.p99_ms,
    }
    more = {"value": figure.value, "bar": figure.bar, **figure.notes}
    return {
        "name": figure.name,
        "clients": figure.clients,
        **{name: _finite(number) for name, number in numbers.items()},
        "rounds": len(figure.ours),
        "kind": figure.kind,
        "floor": figure.floor_name,
        **{name: _finite(number) for name, number in more.items()},
        "reached": figure.reached,
        "machine": dict(machine),
    }


def _finite(number: float | None) -> float | None:
    return None if number is None or math.isnan(number) else round(number, 4)
