"""`make chaos` does this with a thousand periods."""

from faults.chaos.two_schedulers import own_log, renewals


async def test_two_schedulers_whose_connections_are_killed_renew_every_period_once() -> None:
    async with own_log() as conninfo:
        done = await renewals(conninfo, subscriptions=20, periods=10)

    assert done.wrong == ()
    assert (done.twice, done.gaps, done.periods) == (0, 0, 200)
    assert done.kills >= 10
