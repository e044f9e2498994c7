"""Every way an answer of the gateway can fail, and what may be concluded from it: did, did not, unknown."""

import asyncio

import pytest

from ledger.money import Money
from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.port import (
    DUPLICATE,
    NEVER_SEEN,
    ChargeStatus,
    Outcome,
    Provider,
)
from support.charges import charge_order, order_id
from support.outcomes import paid, refused, seen, unknown
from support.simulated_gateway import (
    SERVER_KEY,
    SimulatedGateway,
    free_port,
)

S = ChargeStatus


async def test_an_order_id_nobody_charged_was_never_seen(midtrans: Provider):
    assert refused(await midtrans.inquire(order_id())).code == NEVER_SEEN


async def test_the_same_charge_again_is_the_same_transaction_and_later_a_duplicate(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = charge_order("bca_va")
    first, again = seen(await midtrans.charge(order)), seen(await midtrans.charge(order))
    assert first == again

    gateway.control("clock", advance_seconds=301)
    assert refused(await midtrans.charge(order)).code == DUPLICATE
    assert len(gateway.transactions(order.order_id)) == 1


async def test_a_channel_that_ignores_keys_answers_a_repeat_as_a_duplicate(midtrans: Provider):
    order = charge_order("permata_va")
    await midtrans.charge(order)

    assert refused(await midtrans.charge(order)).code == DUPLICATE


async def test_a_wrong_key_is_our_fault_and_not_worth_a_retry(gateway: SimulatedGateway):
    stranger = Midtrans(
        server_key="SB-Mid-server-other", core_url=gateway.url, snap_url=gateway.url
    )

    for outcome in (
        await stranger.charge(charge_order("bca_va")),
        await stranger.charge(charge_order("snap")),
        await stranger.inquire(order_id()),
    ):
        refusal = refused(outcome)
        assert (refusal.code, refusal.retryable) == ("gateway_credentials_refused", False)
    await stranger.close()


REFUSED = (
    ("bca_va", {"amount": Money.rupiah(0)}, "request_invalid"),
    ("bca_va", {"order_id": "x" * 51}, "request_invalid"),
    ("snap", {"amount": Money.rupiah(0)}, "request_invalid"),
    ("credit_card", {"card_token": "48111111-1114-gone"}, "card_token_invalid"),
)


@pytest.mark.parametrize(("method", "changes", "code"), REFUSED)
async def test_what_the_gateway_refuses_was_not_done(
    midtrans: Provider, method: str, changes: dict[str, object], code: str
):
    refusal = refused(await midtrans.charge(charge_order(method, **changes)))

    assert (refusal.code, refusal.retryable) == (code, False)
    assert refusal.words


# What is proved not to have happened, and what is not, though nothing happened either.
NOT_DONE = (
    ("rate_limit_429", "rate_limited"),
    ("va_505", "va_not_created"),
)
NOTHING_PROVED = (
    ("error_500_without_doing", "gateway_500"),
    ("refuse_503", "gateway_503"),
    ("html_502", "http_502"),
    ("reset_before", "connection_lost"),
    ("hang", "timeout"),
)
DONE_UNHEARD = (
    ("do_then_500", "gateway_500"),
    ("do_then_reset", "connection_lost"),
    ("do_then_hang", "timeout"),
)


@pytest.mark.parametrize(("fault", "code"), NOT_DONE)
async def test_a_refusal_that_may_pass_is_retryable(
    midtrans: Provider, gateway: SimulatedGateway, fault: str, code: str
):
    order = charge_order("bca_va")
    gateway.fault(fault, order.order_id)

    refusal = refused(await midtrans.charge(order))

    assert (refusal.code, refusal.retryable) == (code, True)
    assert refused(await midtrans.inquire(order.order_id)).code == NEVER_SEEN
    assert seen(await midtrans.charge(order)).status is S.PENDING


@pytest.mark.parametrize(("fault", "cause"), NOTHING_PROVED)
async def test_a_failure_after_sending_is_unknown_and_an_inquiry_decides(
    hasty: Provider, gateway: SimulatedGateway, fault: str, cause: str
):
    order = charge_order("bca_va")
    gateway.fault(fault, order.order_id, seconds=3)

    assert unknown(await hasty.charge(order)) == cause
    assert refused(await hasty.inquire(order.order_id)).code == NEVER_SEEN


@pytest.mark.parametrize(("fault", "cause"), DONE_UNHEARD)
@pytest.mark.parametrize("method", ["bca_va", "permata_va"])
async def test_a_charge_that_happened_unheard_is_found_by_an_inquiry(
    hasty: Provider, gateway: SimulatedGateway, method: str, fault: str, cause: str
):
    order = charge_order(method)
    gateway.fault(fault, order.order_id, seconds=3)

    assert unknown(await hasty.charge(order)) == cause
    found = seen(await hasty.inquire(order.order_id))
    assert (found.status, found.instructions.kind) == (S.PENDING, "virtual_account")


async def test_a_charge_that_happens_after_our_deadline_is_found_later(
    hasty: Provider, gateway: SimulatedGateway
):
    order = charge_order("bca_va")
    gateway.fault("do_late", order.order_id, seconds=1.5)

    assert unknown(await hasty.charge(order)) == "timeout"
    assert (
        refused(await hasty.inquire(order.order_id)).code == NEVER_SEEN
    )  # which is true, and not for long
    await asyncio.sleep(1.0)
    assert seen(await hasty.inquire(order.order_id)).status is S.PENDING


async def test_the_same_charge_twice_at_once_is_in_progress(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = charge_order("bca_va")
    gateway.fault("do_late", order.order_id, seconds=0.3)

    first = asyncio.create_task(midtrans.charge(order))
    await asyncio.sleep(0.1)

    assert unknown(await midtrans.charge(order)) == "in_progress"
    assert seen(await first).status is S.PENDING
    assert len(gateway.transactions(order.order_id)) == 1


async def test_an_answer_with_another_amount_is_reported_as_it_is(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = charge_order("bca_va")
    gateway.fault("wrong_amount", order.order_id)

    assert seen(await midtrans.charge(order)).amount != order.amount


INQUIRY_FAULTS = (*NOTHING_PROVED, *DONE_UNHEARD)


@pytest.mark.parametrize(("fault", "cause"), INQUIRY_FAULTS)
async def test_an_inquiry_that_fails_proves_nothing_either(
    hasty: Provider, gateway: SimulatedGateway, fault: str, cause: str
):
    order = charge_order("bca_va")
    await hasty.charge(order)
    gateway.fault(fault, order.order_id, seconds=3)

    assert unknown(await hasty.inquire(order.order_id)) == cause


@pytest.mark.parametrize("act", ["cancel", "refund"])
async def test_an_act_that_happened_unheard_is_told_again_when_repeated(
    hasty: Provider, gateway: SimulatedGateway, act: str
):
    order = await paid(hasty, gateway) if act == "refund" else charge_order("gopay")
    if act == "cancel":
        await hasty.charge(order)
    gateway.fault("do_then_reset", order.order_id)

    async def do() -> Outcome:
        if act == "cancel":
            return await hasty.cancel(order.order_id)
        return await hasty.refund(order.order_id, f"ref_{order.order_id}", order.amount, "")

    assert unknown(await do()) == "connection_lost"
    assert seen(await do()).status is (S.CANCELLED if act == "cancel" else S.SETTLED)


async def test_nobody_listening_proves_that_nothing_happened():
    url = f"http://127.0.0.1:{free_port()}"
    adapter = Midtrans(server_key=SERVER_KEY, core_url=url, snap_url=url)
    order = charge_order("bca_va")

    for outcome in (
        await adapter.charge(order),
        await adapter.charge(charge_order("snap")),
        await adapter.inquire(order.order_id),
        await adapter.cancel(order.order_id),
    ):
        refusal = refused(outcome)
        assert (refusal.code, refusal.retryable) == ("service_unavailable", True)
    await adapter.close()


async def test_a_hundred_charges_are_in_flight_at_once(midtrans: Provider):
    orders = [charge_order("qris") for _ in range(100)]

    outcomes = await asyncio.gather(*map(midtrans.charge, orders))

    assert {seen(outcome).order_id for outcome in outcomes} == {order.order_id for order in orders}
