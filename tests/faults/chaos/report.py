"""The outcome of a run: build/chaos.json, and a table for whoever waits for it."""

import subprocess
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from faults.chaos.calm import Calm, NoticesTaken
from faults.chaos.checker import Verdict
from faults.chaos.dense_writer import Dense
from faults.chaos.two_schedulers import Renewals

ROOT: Final = Path(__file__).parents[3]
PLACE: Final = ROOT / "build" / "chaos.json"


class Report(msgspec.Struct, kw_only=True):
    seed: int
    commit: str
    seconds: float  # of chaos alone
    settle_seconds: float | None  # None: it did not, in the time it had
    settle_bar_seconds: float
    kills: dict[str, int]
    freezes: dict[str, int]
    disturbances: dict[str, int]
    gateway_faults: dict[str, int]  # how often each has met a request
    merchant: dict[str, int]
    stories: dict[str, int]
    subscribers: dict[str, int]  # what was asked of subscriptions, by its answer
    subscriptions: dict[str, int]  # what came of them
    postgres_recovery_seconds: dict[str, float]
    balance_samples: dict[str, int]
    nudged: int
    ended_by_itself: dict[str, dict[str, int]]  # exit codes of processes nobody had killed
    verdicts: list[Verdict]
    calm: Calm | None
    notices: NoticesTaken
    dense: Dense | None
    renewals: Renewals | None
    log: dict[str, int] = {}
    folder: str = ""

    @property
    def is_clean(self) -> bool:
        settled = self.settle_seconds is not None
        settled = settled and (self.settle_seconds or 0) <= self.settle_bar_seconds
        held = self.calm is None or self.calm.holds
        dense = self.dense is None or self.dense.holds
        renewed = self.renewals is None or self.renewals.holds
        return (
            settled
            and held
            and dense
            and renewed
            and not any(one.violations for one in self.verdicts)
        )


def commit() -> str:
    asked = ["git", "-c", f"safe.directory={ROOT}", "describe", "--always", "--dirty"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip()


def write(report: Report, place: Path = PLACE) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    facts = msgspec.to_builtins(report) | {"clean": report.is_clean}
    place.write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")


def show(report: Report, console: Console) -> None:
    table = Table(title=f"chaos, seed {report.seed}, {report.commit}", title_justify="left")
    table.add_column("")
    table.add_column("invariant")
    table.add_column("violations", justify="right")
    for one in report.verdicts:
        style = "" if one.violations == 0 else "bold red"
        table.add_row(one.number, one.words, f"{one.violations:,}", style=style)
    console.print(table)
    for one in report.verdicts:
        for example in one.examples:
            console.print(f"  {one.number} {example}", style="red")
        for name, events in one.stories.items():
            console.print(f"  {name}")
            for line in events:
                console.print(f"    {line}", style="dim")
    for words in _lines(report):
        console.print(words)
    console.print("clean" if report.is_clean else "NOT CLEAN", style="bold")


def _lines(report: Report) -> list[str]:
    settled = (
        "did not settle" if report.settle_seconds is None else f"{report.settle_seconds:.1f} s"
    )
    lines = [
        f"kills           {sum(report.kills.values())}: {_told(report.kills)}",
        f"freezes         {sum(report.freezes.values())}: {_told(report.freezes)}",
        f"disturbances    {_told(report.disturbances)}",
        f"gateway faults  {sum(report.gateway_faults.values())}: {_told(report.gateway_faults)}",
        f"merchant        {_told(report.merchant)}",
        f"payments        {_told(report.stories)}",
        f"subscribers     {_told(report.subscribers)}",
        f"subscriptions   {_told(report.subscriptions)}",
        f"log             {_told(report.log)}",
        f"recovery        {_told(report.postgres_recovery_seconds)} s",
        f"trial balance   {_told(report.balance_samples)}",
        f"settled after   {settled} (bar {report.settle_bar_seconds:.0f} s), {report.nudged} nudged",
        f"notices         {report.notices.processed} of {report.notices.different} different ones processed"
        f" ({report.notices.share:.2%}), {report.notices.delivered} delivered",
    ]
    if report.calm:
        calm = report.calm
        lines.append(
            f"without faults  {calm.share_right:.3%} of {calm.requests} answered rightly; told how to pay after"
            f" {calm.told_mean_seconds} s on average, {calm.told_p99_seconds} s at the 99th percentile"
        )
        lines += [f"  wrong: {words}" for words in calm.wrong]
    if report.dense:
        dense = report.dense
        lines.append(
            f"dense writer    {dense.lost} of {dense.acknowledged} acknowledged lost in {dense.kills} kills of"
            f" PostgreSQL, at {dense.commands_per_second:,.0f} commands/s in {dense.commits_per_second:,.0f} commits/s"
            f" {dense.chain}"
        )
    if report.renewals:
        renewed = report.renewals
        lines.append(
            f"two schedulers  {renewed.twice} twice, {renewed.gaps} gaps in {renewed.periods:,} periods of"
            f" {renewed.subscriptions} subscriptions; {renewed.kills} connections killed in {renewed.seconds} s"
        )
        lines += [f"  wrong: {words}" for words in renewed.wrong]
    return lines


def _told(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
