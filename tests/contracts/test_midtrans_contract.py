"""The adapter against a Midtrans that shares no code with it: every operation, as midtrans.md says it
ends. What really happened is read from the simulator's book.
"""

import httpx2
import pytest

from ledger.money import Money
from ledger.payments.methods import METHODS
from ledger.providers.port import (
    DUPLICATE,
    NEVER_SEEN,
    ChargeOrder,
    ChargeStatus,
    Provider,
)
from support.charges import charge_order, order_id
from support.outcomes import card, held, paid, refused, seen
from support.simulated_gateway import (
    ACCEPTED_CARD,
    CHALLENGED_CARD,
    DENIED_CARD,
    FRAUD_CARD,
    SECURE_CARD,
    SimulatedGateway,
)

S = ChargeStatus

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
