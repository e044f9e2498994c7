"""One run: chaos, healing, settling, judging; then what the brief asks of a system without faults, and the dense
writer.
"""

import asyncio
from collections import Counter

from faults.chaos import calm, report
from faults.chaos import seen as looking
from faults.chaos.checker import Verdict, judge
from faults.chaos.dense_writer import Dense, kill_under_it
from faults.chaos.history import History
from faults.chaos.subscription_checks import told
from faults.chaos.system import System, started
from faults.chaos.trial import SETTLES_WITHIN_SECONDS, Say, Size, Trial
from faults.chaos.two_schedulers import Renewals, own_log, renewals


async def run(size: Size, say: Say, mutation: str = "") -> report.Report:
    async with started(mutation) as system:
        say(f"up in {system.folder}: {', '.join(system.urls)}, simulator {system.gateway.url}")
        trial = Trial(system, size, say, History(system.folder / "history.jsonl"))
        seconds = await trial.chaos()
        await trial.heal()
        settled = await trial.settle(size.given_up_after_seconds)
        seen = await trial.seen()
        say(f"judging {len(seen.log.events)} events")
        verdicts = await asyncio.to_thread(judge, seen)
        say("measuring without faults")
        measured = await calm.measure(system, size.calm_payments) if size.calm_payments else None
        dense = await _dense(system, size, say) if size.dense_kills else None
        renewed = await _renewed(size, say) if size.periods else None
        return _reported(trial, seen, seconds, settled, verdicts, measured, dense, renewed)


async def _dense(system: System, size: Size, say: Say) -> Dense:
    """With the other processes ended: what they take of the machine, the writer does not write."""
    say(f"killing PostgreSQL {size.dense_kills} times under a dense writer")
    for one in system.programs:
        await one.end()
    return await kill_under_it(
        system.postgres, system.settings, system.folder, size.dense_kills, size.seed
    )


async def _renewed(size: Size, say: Say) -> Renewals:
    say(f"two schedulers at {size.subscriptions} subscriptions, their connections killed")
    async with own_log() as conninfo:
        return await renewals(
            conninfo,
            subscriptions=size.subscriptions,
            periods=size.periods,
            seed=size.seed,
            say=say,
        )


def _reported(
    trial: Trial,
    seen: looking.Seen,
    seconds: float,
    settled: float | None,
    verdicts: list[Verdict],
    measured: calm.Calm | None,
    dense: Dense | None,
    renewed: Renewals | None,
) -> report.Report:
    system, nemesis = trial.system, trial.nemesis
    return report.Report(
        seed=trial.size.seed,
        commit=report.commit(),
        seconds=round(seconds, 1),
        settle_seconds=None if settled is None else round(settled, 1),
        settle_bar_seconds=SETTLES_WITHIN_SECONDS,
        kills=dict(nemesis.kills),
        freezes=dict(nemesis.freezes),
        disturbances=dict(nemesis.others),
        gateway_faults=dict(trial.struck),
        merchant=dict(trial.merchant.counts),
        stories=dict(trial.stories.counts),
        subscribers=dict(trial.subscribers.counts),
        subscriptions={"days": system.ahead.days, **told(seen)},
        postgres_recovery_seconds=_spread(system.postgres.recoveries),
        balance_samples={
            "by the database": trial.samples.by_database,
            "by the API": trial.samples.by_api,
            "unanswered": trial.samples.unanswered,
            "uneven": len(trial.samples.uneven),
        },
        nudged=len(trial.nudged),
        ended_by_itself={
            one.name: {str(code): count for code, count in one.ended_by_itself.items()}
            for one in system.programs
        },
        verdicts=verdicts,
        calm=measured,
        dense=dense,
        renewals=renewed,
        notices=calm.notices_taken(seen),
        log={
            "events": len(seen.log.events),
            "payments": len(seen.log.payments),
            **_statuses(seen),
        },
        folder=str(system.folder),
    )


def _statuses(seen: looking.Seen) -> dict[str, int]:
    held = Counter(
        "under review" if one.review else one.public_status for one in seen.log.payments.values()
    )
    return dict(held.most_common())


def _spread(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {"mean": round(sum(seconds) / len(seconds), 2), "longest": max(seconds)}
