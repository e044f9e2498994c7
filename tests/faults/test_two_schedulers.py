"""`make chaos` does this with a thousand periods."""

from collections.abc import Sequence

from msgspec.structs import replace

from faults.chaos.two_schedulers import own_log, renewals
from ledger.eventstore.committer import NewEvent, Outcome, VersionConflict
from support.stores import OpenStore


async def test_two_schedulers_whose_connections_are_killed_renew_every_period_once() -> None:
    async with own_log() as conninfo:
        done = await renewals(conninfo, subscriptions=20, periods=10)

    assert done.wrong == ()
    assert (done.twice, done.gaps, done.periods) == (0, 0, 200)
    assert done.kills >= 10


async def test_a_scheduler_that_appends_whatever_others_did_is_caught() -> None:
    """M6: each takes it that it alone opens periods, and nothing in the log contradicts it."""
    async with own_log() as conninfo:
        done = await renewals(conninfo, subscriptions=20, periods=10, spoil=never_conflicts)

    assert done.twice > 0 and not done.holds


def never_conflicts(opened: OpenStore) -> None:
    committer = opened.recorder.committer
    honest = committer.append

    async def append(command_id: str, fingerprint: bytes, events: Sequence[NewEvent]) -> Outcome:
        outcome = await honest(command_id, fingerprint, events)
        while isinstance(outcome, VersionConflict):
            heads = {
                stream: len(await opened.store.history(stream))
                for stream in {event.originator_id for event in events}
            }
            events = [_next(event, heads) for event in events]
            outcome = await honest(command_id, fingerprint, events)
        return outcome

    committer.append = append  # type: ignore[method-assign]


def _next(event: NewEvent, heads: dict[str, int]) -> NewEvent:
    stream = event.originator_id
    heads[stream] += 1
    return replace(event, originator_version=heads[stream])
