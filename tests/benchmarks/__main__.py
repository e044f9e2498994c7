"""`make bench`: every figure with its bar, beside what PostgreSQL and others do in the same minutes.

    make bench                  everything, in under ten minutes
    make bench ONLY=append      one part: append, payments, bulk, loading, replaying, http, feed, renewals or asof
    make bench ARGS="--rounds 9 --seconds 1"    more and shorter slots

Exit code 0 only when no bar is missed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from benchmarks import table
from benchmarks.measuring import ROUNDS, SLOT_SECONDS, Figure
from benchmarks.stage import machine, open_stage
from ledger import logs

PARTS = ("append", "payments", "bulk", "loading", "replaying", "http", "feed", "renewals", "asof")
Measure = Callable[..., list[Figure]]


def main(words: Sequence[str] | None = None) -> int:
    asked = _asked(words)
    console = Console(width=max(Console().width, 150))
    logs.set_up("error", as_json=False)
    found: list[Figure] = []
    about = machine()
    with open_stage() as server:
        for part in asked.only or PARTS:
            began = time.monotonic()
            measure: Measure = import_module(f"benchmarks.{part}").measure
            more = {"size": asked.size} if asked.size and part == "renewals" else {}
            with server.part(part) as stage:
                found += measure(stage, asked.rounds, asked.seconds, **more)
            console.print(f"{part}: {time.monotonic() - began:.0f} s", style="dim")
    table.show(found, console)
    table.write(found, about, asked.json)
    if asked.markdown:
        asked.markdown.write_text(table.as_markdown(found), encoding="utf-8")
    return 1 if any(figure.reached is False for figure in found) else 0


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SLOT_SECONDS)
    parser.add_argument("--size", type=int, help="how many subscriptions to renew")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--markdown", type=Path)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
