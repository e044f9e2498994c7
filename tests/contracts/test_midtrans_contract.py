"""The adapter against a Midtrans that shares no code with it: every operation, and every way an answer can fail.

The simulator runs as another process; what really happened is read from its book.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from ledger.money import Money
from ledger.payments.methods import METHODS
from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.port import (
    DUPLICATE,
    NEVER_SEEN,
    ChargeOrder,
    ChargeStatus,
    Did,
    DidNot,
    Observation,
    Outcome,
    Provider,
    Unknown,
)
from support.charges import charge_order, order_id
from support.simulated_gateway import (
    ACCEPTED_CARD,
    CHALLENGED_CARD,
    DENIED_CARD,
    FRAUD_CARD,
    SECURE_CARD,
    SERVER_KEY,
    SimulatedGateway,
    free_port,
    simulated_gateway,
)

S = ChargeStatus
SHOP = "https://shop.example/done"


@pytest.fixture(scope="session")
def gateway() -> Iterator[SimulatedGateway]:
    with simulated_gateway() as running:
        yield running


@pytest.fixture
async def midtrans(gateway: SimulatedGateway) -> AsyncIterator[Provider]:
    adapter = Midtrans(
        server_key=SERVER_KEY, core_url=gateway.url, snap_url=gateway.url, shop_url=SHOP
    )
    yield adapter
    await adapter.close()


@pytest.fixture
async def hasty(gateway: SimulatedGateway) -> AsyncIterator[Provider]:
    """With deadlines short enough to wait for."""
    limits = {"charge_seconds": 0.3, "inquiry_seconds": 0.3}
    adapter = Midtrans(server_key=SERVER_KEY, core_url=gateway.url, snap_url=gateway.url, **limits)
    yield adapter
    await adapter.close()


def seen(outcome: Outcome) -> Observation:
    assert isinstance(outcome, Did), outcome
    return outcome.observation


def refused(outcome: Outcome) -> DidNot:
    assert isinstance(outcome, DidNot), outcome
    return outcome


def unknown(outcome: Outcome) -> str:
    assert isinstance(outcome, Unknown), outcome
    return outcome.cause


def card(gateway: SimulatedGateway, number: str, **changes: object) -> ChargeOrder:
    return charge_order("credit_card", card_token=gateway.card_token(number), **changes)


async def paid(midtrans: Provider, gateway: SimulatedGateway, method: str = "gopay") -> ChargeOrder:
    order = charge_order(method)
    seen(await midtrans.charge(order))
    gateway.control("pay", order_id=order.order_id)
    return order


async def held(midtrans: Provider, gateway: SimulatedGateway) -> Observation:
    order = card(gateway, SECURE_CARD, capture_later=True)
    seen(await midtrans.charge(order))
    gateway.control("pay", order_id=order.order_id)
    return seen(await midtrans.inquire(order.order_id))


SHOWN = {
    "credit_card": "redirect",
    "mandiri_bill": "bill",
    "gopay": "deeplink",
    "shopeepay": "deeplink",
    "ovo": "push",
    "linkaja": "qr",
    "qris": "qr",
    "alfamart": "payment_code",
    "indomaret": "payment_code",
    "akulaku": "redirect",
    "kredivo": "redirect",
    "dana": "redirect",
    "snap": "redirect",
}


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_can_be_charged_and_tells_how_to_pay(
    midtrans: Provider, gateway: SimulatedGateway, method: str
):
    order = card(gateway, SECURE_CARD) if method == "credit_card" else charge_order(method)

    pending = seen(await midtrans.charge(order))

    assert (pending.status, pending.amount, pending.order_id) == (
        S.PENDING,
        order.amount,
        order.order_id,
    )
    assert pending.instructions.kind == SHOWN.get(method, "virtual_account")


@pytest.mark.parametrize(
    "method", ["bca_va", "permata_va", "mandiri_bill", "alfamart", "gopay", "qris", "shopeepay"]
)
async def test_an_inquiry_tells_again_how_to_pay(midtrans: Provider, method: str):
    """So that a lost answer to the charge costs nothing."""
    order = charge_order(method)
    charged = seen(await midtrans.charge(order))

    asked = seen(await midtrans.inquire(order.order_id))

    assert asked.status is S.PENDING
    assert asked.transaction_id == charged.transaction_id
    assert asked.expires_at == charged.expires_at
    assert asked.instructions.kind == ("qr" if method == "gopay" else charged.instructions.kind)


async def test_a_paid_charge_is_settled(midtrans: Provider, gateway: SimulatedGateway):
    order = await paid(midtrans, gateway, "bca_va")

    settled = seen(await midtrans.inquire(order.order_id))

    assert (settled.status, settled.amount) == (S.SETTLED, order.amount)
    assert settled.occurred_at is not None
    assert settled.evidence.said["transaction_status"] == "settlement"


async def test_a_wallets_code_paid_through_another_wallet_is_still_the_same_payment(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = charge_order("gopay")
    await midtrans.charge(order)
    gateway.control("pay", order_id=order.order_id, issuer="dana")

    settled = seen(await midtrans.inquire(order.order_id))

    assert settled.status is S.SETTLED
    assert settled.evidence.said["payment_type"] == "qris"


async def test_a_chosen_expiry_reaches_the_gateway(midtrans: Provider, gateway: SimulatedGateway):
    order = charge_order("bca_va", expires_after_seconds=3_600)
    pending = seen(await midtrans.charge(order))

    assert pending.occurred_at is not None and pending.expires_at is not None
    assert (pending.expires_at - pending.occurred_at).total_seconds() == pytest.approx(3_600, abs=2)


CARDS = {DENIED_CARD: "05", FRAUD_CARD: "fraud_suspected"}


@pytest.mark.parametrize("number", CARDS)
async def test_a_denied_card_says_why(midtrans: Provider, gateway: SimulatedGateway, number: str):
    order = card(gateway, number)

    denied = seen(await midtrans.charge(order))

    assert (denied.status, denied.code) == (S.DENIED, CARDS[number])
    assert denied.words
    assert seen(await midtrans.inquire(order.order_id)).status is S.DENIED


async def test_a_card_is_captured_at_once_or_after_its_page(
    midtrans: Provider, gateway: SimulatedGateway
):
    at_once = seen(await midtrans.charge(card(gateway, ACCEPTED_CARD)))
    secure = card(gateway, SECURE_CARD)
    await midtrans.charge(secure)
    gateway.control("pay", order_id=secure.order_id)

    assert at_once.status is S.CAPTURED
    assert seen(await midtrans.inquire(secure.order_id)).status is S.CAPTURED

    gateway.control("settle", order_id=secure.order_id)
    assert seen(await midtrans.inquire(secure.order_id)).status is S.SETTLED


async def test_a_card_token_is_good_once(midtrans: Provider, gateway: SimulatedGateway):
    order = card(gateway, ACCEPTED_CARD)
    await midtrans.charge(order)

    again = await midtrans.charge(charge_order("credit_card", card_token=order.card_token))

    assert refused(again).code == "card_token_invalid"


async def test_a_hold_is_captured_in_part_and_only_once(
    midtrans: Provider, gateway: SimulatedGateway
):
    hold = await held(midtrans, gateway)
    assert hold.status is S.AUTHORISED

    captured = seen(
        await midtrans.capture(hold.order_id, hold.transaction_id, Money.rupiah(60_000))
    )

    assert (captured.status, captured.amount) == (S.CAPTURED, Money.rupiah(60_000))
    again = await midtrans.capture(hold.order_id, hold.transaction_id, Money.rupiah(90_000))
    assert refused(again).code == "status_change_refused"


async def test_capturing_more_than_is_held_is_denied_and_the_hold_stays(
    midtrans: Provider, gateway: SimulatedGateway
):
    hold = await held(midtrans, gateway)

    answer = await midtrans.capture(hold.order_id, hold.transaction_id, Money.rupiah(150_001))

    assert refused(answer).code == "capture_denied_by_bank"
    assert seen(await midtrans.inquire(hold.order_id)).status is S.AUTHORISED


async def test_cancelling_voids_what_is_not_settled(midtrans: Provider, gateway: SimulatedGateway):
    pending, settled = charge_order("bca_va"), await paid(midtrans, gateway)
    await midtrans.charge(pending)
    captured = card(gateway, ACCEPTED_CARD)
    await midtrans.charge(captured)

    for order in (pending, captured):
        assert seen(await midtrans.cancel(order.order_id)).status is S.CANCELLED
        assert seen(await midtrans.inquire(order.order_id)).status is S.CANCELLED
    assert refused(await midtrans.cancel(settled.order_id)).code == "status_change_refused"


async def test_cancelling_twice_is_harmless(midtrans: Provider):
    order = charge_order("bca_va")
    await midtrans.charge(order)

    assert seen(await midtrans.cancel(order.order_id)) == seen(
        await midtrans.cancel(order.order_id)
    )


async def test_expiring_succeeds_with_the_code_of_an_expired_transaction(midtrans: Provider):
    order = charge_order("qris")
    await midtrans.charge(order)

    expired = seen(await midtrans.expire(order.order_id))

    assert (expired.status, expired.evidence.said["status_code"]) == (S.EXPIRED, "407")
    assert seen(await midtrans.inquire(order.order_id)).status is S.EXPIRED


async def test_a_challenged_card_waits_for_a_persons_decision(
    midtrans: Provider, gateway: SimulatedGateway
):
    good, bad = card(gateway, CHALLENGED_CARD), card(gateway, CHALLENGED_CARD)
    for order in (good, bad):
        assert seen(await midtrans.charge(order)).status is S.CHALLENGED

    assert seen(await midtrans.approve(good.order_id)).status is S.CAPTURED
    assert seen(await midtrans.deny(bad.order_id)).status is S.DENIED
    assert refused(await midtrans.approve(bad.order_id)).code == "status_change_refused"


async def test_refunds_add_up_and_are_confirmed_later(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = await paid(midtrans, gateway)
    parts = (("ref_a", Money.rupiah(50_000)), ("ref_b", Money.rupiah(100_000)))
    keys = [f"{key}_{order.order_id}" for key, _ in parts]

    for key, (_, amount) in zip(keys, parts, strict=True):
        accepted = seen(await midtrans.refund(order.order_id, key, amount, "Changed their mind"))
        assert accepted.status is S.SETTLED
        (refund,) = (one for one in accepted.refunds if one.refund_id == key)
        assert (refund.amount, refund.confirmed_at) == (amount, None)
        gateway.control("confirm-refund", refund_key=key)

    listed = seen(await midtrans.inquire(order.order_id)).refunds
    assert [(one.refund_id, one.amount) for one in listed] == [
        (keys[0], parts[0][1]),
        (keys[1], parts[1][1]),
    ]
    assert all(one.confirmed_at and one.gateway_id for one in listed)


async def test_a_refund_is_refused_for_its_amount_its_state_or_by_the_bank(
    midtrans: Provider, gateway: SimulatedGateway
):
    order, unpaid, store = (
        await paid(midtrans, gateway),
        charge_order("gopay"),
        charge_order("alfamart"),
    )
    await midtrans.charge(unpaid)
    await midtrans.charge(store)
    gateway.control("pay", order_id=store.order_id)

    async def code(of: ChargeOrder, amount: int) -> str:
        return refused(
            await midtrans.refund(of.order_id, f"ref_{order_id()}", Money.rupiah(amount), "")
        ).code

    assert await code(order, 150_001) == "refund_amount_refused"
    assert await code(unpaid, 1_000) == "refund_not_possible"
    assert await code(store, 1_000) == "refund_not_possible"
    gateway.fault("deny", order.order_id)
    assert await code(order, 1_000) == "refund_denied_by_bank"
    assert seen(await midtrans.inquire(order.order_id)).refunds == ()


async def test_the_same_refund_again_is_not_made_again(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = await paid(midtrans, gateway)
    refund = (order.order_id, f"ref_{order.order_id}", Money.rupiah(1_000), "")
    seen(await midtrans.refund(*refund))

    seen(await midtrans.refund(*refund))  # within five minutes: the stored answer
    gateway.control("clock", advance_seconds=301)
    assert refused(await midtrans.refund(*refund)).code == DUPLICATE
    assert len(seen(await midtrans.inquire(order.order_id)).refunds) == 1


async def test_a_chargeback_is_seen_with_its_amount(midtrans: Provider, gateway: SimulatedGateway):
    order = card(gateway, ACCEPTED_CARD)
    await midtrans.charge(order)
    gateway.control("settle", order_id=order.order_id)
    gateway.control("chargeback", order_id=order.order_id)

    taken = seen(await midtrans.inquire(order.order_id))

    assert (taken.status, taken.chargeback) == (S.CHARGED_BACK, order.amount)


async def test_a_settlement_can_turn_into_a_denial(midtrans: Provider, gateway: SimulatedGateway):
    order = await paid(midtrans, gateway, "permata_va")
    gateway.control("reverse", order_id=order.order_id)

    assert seen(await midtrans.inquire(order.order_id)).status is S.DENIED


async def test_a_hosted_page_has_no_transaction_until_the_payer_chose(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = charge_order("snap")
    first, second = seen(await midtrans.charge(order)), seen(await midtrans.charge(order))
    assert (
        first.instructions.session_token != second.instructions.session_token
    )  # the old page is void
    assert refused(await midtrans.inquire(order.order_id)).code == NEVER_SEEN
    assert refused(await midtrans.cancel(order.order_id)).code == NEVER_SEEN

    gateway.control("pay", order_id=order.order_id, method="bca_va")

    assert seen(await midtrans.inquire(order.order_id)).status is S.SETTLED
    assert refused(await midtrans.charge(order)).code == DUPLICATE


async def test_cancelling_closes_a_page_under_which_nothing_was_tried(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = charge_order("snap")
    token = seen(await midtrans.charge(order)).instructions.session_token

    for _ in range(2):
        assert refused(await midtrans.cancel(order.order_id, token)).code == NEVER_SEEN
    with pytest.raises(httpx2.HTTPStatusError, match="409"):
        gateway.control("pay", order_id=order.order_id, method="bca_va")


async def test_a_page_on_which_a_method_was_chosen_is_cancelled_like_any_charge(
    midtrans: Provider, gateway: SimulatedGateway
):
    order = charge_order("snap")
    token = seen(await midtrans.charge(order)).instructions.session_token
    gateway.control("pay", order_id=order.order_id, method="credit_card")

    assert seen(await midtrans.cancel(order.order_id, token)).status is S.CANCELLED


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
    gateway.fault(fault, order.order_id, seconds=1)

    assert unknown(await hasty.charge(order)) == cause
    assert refused(await hasty.inquire(order.order_id)).code == NEVER_SEEN


@pytest.mark.parametrize(("fault", "cause"), DONE_UNHEARD)
@pytest.mark.parametrize("method", ["bca_va", "permata_va"])
async def test_a_charge_that_happened_unheard_is_found_by_an_inquiry(
    hasty: Provider, gateway: SimulatedGateway, method: str, fault: str, cause: str
):
    order = charge_order(method)
    gateway.fault(fault, order.order_id, seconds=1)

    assert unknown(await hasty.charge(order)) == cause
    found = seen(await hasty.inquire(order.order_id))
    assert (found.status, found.instructions.kind) == (S.PENDING, "virtual_account")


async def test_a_charge_that_happens_after_our_deadline_is_found_later(
    hasty: Provider, gateway: SimulatedGateway
):
    order = charge_order("bca_va")
    gateway.fault("do_late", order.order_id, seconds=0.5)

    assert unknown(await hasty.charge(order)) == "timeout"
    assert (
        refused(await hasty.inquire(order.order_id)).code == NEVER_SEEN
    )  # which is true, and not for long
    await asyncio.sleep(0.4)
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
    gateway.fault(fault, order.order_id, seconds=1)

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
