"""What scripts/replay.py shows while it works: a bar on a terminal, elsewhere a line now and then."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich import progress as rich
from rich.console import Console

from ledger import clock
from projections.steps import Progress

SAY_EVERY_SECONDS: Final = 5.0


@contextmanager
def shown(console: Console, say_every: float = SAY_EVERY_SECONDS) -> Iterator[Progress]:
    """Rate and remaining time of each step, on the console."""
    if console.is_terminal:
        with _bars(console) as progress:
            yield progress
    else:
        with _lines(console, say_every) as progress:
            yield progress


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.TaskProgressColumn(),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(),
    )
    tasks: dict[str, rich.TaskID] = {}
    with rich.Progress(*columns, console=console, transient=True) as bars:

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total, rate="")
            speed = next(task.speed for task in bars.tasks if task.id == tasks[step])
            rate = f"{speed:,.0f}/s" if speed else ""
            bars.update(tasks[step], completed=done, total=total, rate=rate)

        yield show


@contextmanager
def _lines(console: Console, say_every: float) -> Iterator[Progress]:
    """By a clock of its own: a step may be long silent, as when PostgreSQL sorts."""
    ended, latest = threading.Event(), _Latest()

    def speak() -> None:
        while not ended.wait(say_every):
            console.out(latest.words(), highlight=False)

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield latest.heard
    finally:
        ended.set()
        speaker.join()


class _Latest:
    """The last that was heard of the present step."""

    def __init__(self) -> None:
        self._step, self._done, self._total = "beginning", 0, 0
        self._began = clock.monotonic_seconds()

    def heard(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self._began = clock.monotonic_seconds()
        self._step, self._done, self._total = step, done, total

    def words(self) -> str:
        rate = self._done / max(clock.monotonic_seconds() - self._began, 1e-9)
        told = f"{self._step:<17} {self._done:,} of {self._total:,}"
        if not rate:
            return told
        return f"{told}, {rate:,.0f}/s, {(self._total - self._done) / rate:,.0f} s left"
