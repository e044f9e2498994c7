"""What the gateway did not answer is tried again within seconds, not on the slow ladder of a payment that waits."""

import asyncio
from collections.abc import Sequence

from api.inbox import LADDER, LEASE, Inbox, Stored
from support.customer import Caller, Fields, Gateway, eventually, order_id
from support.running import Running, living_by, running

CANCEL_IS_DUE_SECONDS = 16
PENDING_IS_LOOKED_AT_SECONDS = 61
FIRST_RUNG_SECONDS = 6


async def test_a_cancel_that_met_a_silent_gateway_is_carried_out_seconds_later(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await _told_of(system, shop)
    await gateway.fault("refuse_503", path="/cancel", times=2)
    assert (await shop.cancel(payment)).status_code == 202

    system.later(CANCEL_IS_DUE_SECONDS)  # the worker's first try meets the second refusal
    await _used_up(gateway)
    system.later(FIRST_RUNG_SECONDS)

    await shop.until(payment, "cancelled", within=5)


async def test_a_page_that_could_not_be_closed_at_once_is_closed_by_the_worker(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("dana", 50_000)
    await gateway.fault("refuse_503", path="/cancel", times=1)
    assert (await shop.cancel(payment)).status_code == 202

    system.later(CANCEL_IS_DUE_SECONDS)

    await shop.until(payment, "cancelled", within=5)


async def test_an_inquiry_without_an_answer_is_made_again_seconds_later(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await _told_of(system, shop)
    await gateway.hold_notices()
    await gateway.pay(payment)
    await gateway.drop_notices()
    await gateway.fault("refuse_503", path="/status", times=1)

    system.later(PENDING_IS_LOOKED_AT_SECONDS)
    await _used_up(gateway)
    system.later(FIRST_RUNG_SECONDS)

    await shop.until(payment, "settled", within=5)


async def test_workers_that_die_with_a_notice_do_not_put_it_off(
    ledger_database: str, gateway: Gateway
) -> None:
    async with running(ledger_database, gateway, workers=0) as system:
        shop = await system.caller()
        await shop.request("bca_va", 50_000)
        inbox = living_by(system.clock, system.wired).inbox
        (stored,) = await eventually(lambda: _claimed(inbox))
        for _ in range(5):
            system.later(LEASE.total_seconds() + 1)
            (stored,) = await inbox.claim(1)

        await inbox.later(stored, "no_answer")

        system.later(LADDER[0].total_seconds())
        assert [again.tries for again in await inbox.claim(1)] == [2]


async def _claimed(inbox: Inbox) -> Sequence[Stored]:
    found = await inbox.claim(1)
    assert found
    return found


async def _told_of(system: Running, shop: Caller) -> Fields:
    """A payment whose first notice has been asked after, so that nothing else looks at it."""
    payment = await shop.request("bca_va", 50_000)

    async def asked_after() -> None:
        assert [one["outcome"] for one in await system.inbox(order_id(payment))] == ["asked"]

    await eventually(asked_after)
    return payment


async def _used_up(gateway: Gateway) -> None:
    async def gone() -> None:
        assert (await gateway._http.get("/_control/faults")).json()["faults"] == []

    await eventually(gone)
    await asyncio.sleep(0.5)  # the worker writes down when to look again
