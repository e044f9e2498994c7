"""The chaos harness in its short form: at least twenty kills, and every invariant holds afterwards."""

from pathlib import Path

from faults.chaos.__main__ import SHORT
from faults.chaos.report import write
from faults.chaos.run import run

LEAST_KILLS = 20
LEAST_RENEWALS = 10  # of sixteen subscribers in five days


async def test_after_twenty_kills_every_invariant_holds(tmp_path: Path) -> None:
    done = await run(SHORT, print)
    write(done, tmp_path / "chaos.json")

    violated = [
        (one.number, one.words, one.examples, one.stories)
        for one in done.verdicts
        if one.violations
    ]
    assert violated == []
    assert sum(done.kills.values()) >= LEAST_KILLS
    assert done.settle_seconds is not None
    renewals = done.subscriptions["periods"] - done.subscriptions["sold"]
    assert renewals >= LEAST_RENEWALS
