"""Cards: taken, denied, authenticated, held and captured, voided, settled."""

from support.customer import (
    ACCEPTED_CARD,
    CHALLENGED_CARD,
    DENIED_CARD,
    SECURE_CARD,
    Caller,
    Fields,
    Gateway,
)
from support.running import Running

PENDING = "Assets:Gateway:Midtrans:Pending"
CARD_BOOKS = {  # books.md section 3, P1b and P2
    "Assets:Gateway:Midtrans:Available": 93_593,
    "Assets:Tax:PPN-Masukan": 536,
    "Expenses:Gateway:Fixed": 2_000,
    "Expenses:Gateway:MDR": 2_871,
    "Income:Sales:General": -89_189,
    "Liabilities:Tax:PPN-Keluaran": -9_811,
}


async def charged(
    shop: Caller, gateway: Gateway, card: str, amount: int = 99_000, **more: str
) -> Fields:
    return await shop.request(
        "credit_card", amount, cardToken=await gateway.card_token(card), **more
    )


async def test_an_accepted_card_is_captured_at_once_and_settled_by_the_batch(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await charged(shop, gateway, ACCEPTED_CARD)
    assert (payment["status"], payment["capturedAmount"]) == ("captured", 99_000)
    assert (await system.books())[PENDING] == 99_000

    await gateway.settle(payment)

    await shop.until(payment, "settled")
    assert await system.books() == CARD_BOOKS


async def test_a_denied_card_says_why_and_leaves_the_books_alone(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    pending = await charged(shop, gateway, DENIED_CARD)
    if pending["status"] == "pending":
        await gateway.pay(pending)

    denied = await shop.until(pending, "denied")

    assert denied["attempts"][0]["failure"]["words"]
    assert await system.books() == {}


async def test_a_payer_who_is_sent_to_their_bank_returns_and_is_captured(
    shop: Caller, gateway: Gateway
) -> None:
    payment = await charged(shop, gateway, SECURE_CARD)
    assert payment["status"] == "pending"
    assert payment["nextAction"]["type"] == "open_page"
    assert payment["nextAction"]["redirectUrl"].startswith(gateway.url)

    await gateway.pay(payment)

    assert (await shop.until(payment, "captured"))["capturedAmount"] == 99_000


async def test_a_payer_who_fails_at_their_bank_is_denied(shop: Caller, gateway: Gateway) -> None:
    payment = await charged(shop, gateway, SECURE_CARD)

    await gateway.deny(payment)

    await shop.until(payment, "denied")


async def test_a_challenged_card_waits_for_a_decision(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await charged(shop, gateway, CHALLENGED_CARD)
    if payment["status"] == "pending":
        await gateway.pay(payment)

    challenged = await shop.until(payment, "challenged")

    assert challenged["capturedAmount"] == 0
    assert await system.books() == {}


async def test_part_of_a_hold_is_captured_and_settled(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    held = await charged(shop, gateway, ACCEPTED_CARD, 150_000, capture="later")
    assert (held["status"], held["authorisedAmount"], held["capturedAmount"]) == (
        "authorised",
        150_000,
        0,
    )
    assert await system.books() == {}

    captured = await shop.capture(held, 99_000)
    assert captured.status_code == 200, captured.text
    assert (captured.json()["status"], captured.json()["capturedAmount"]) == ("captured", 99_000)

    await gateway.settle(held)
    settled = await shop.until(held, "settled")
    assert "underReview" not in settled
    assert await system.books() == CARD_BOOKS


async def test_more_than_was_held_cannot_be_captured(shop: Caller, gateway: Gateway) -> None:
    held = await charged(shop, gateway, ACCEPTED_CARD, 150_000, capture="later")

    refused = await shop.capture(held, 150_001)

    assert (refused.status_code, refused.json()["type"]) == (
        422,
        "/problems/capture_exceeds_authorisation",
    )
    assert (await gateway.charge(held))["status"] == "authorize"


async def test_a_hold_is_let_go(system: Running, shop: Caller, gateway: Gateway) -> None:
    held = await charged(shop, gateway, ACCEPTED_CARD, capture="later")

    cancelled = await shop.cancel(held)

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await gateway.charge(held))["status"] == "cancel"
    assert (await shop.capture(held)).status_code == 409
    assert await system.books() == {}


async def test_a_captured_card_is_voided_and_its_entry_reversed(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await charged(shop, gateway, ACCEPTED_CARD)

    voided = await shop.cancel(payment)

    assert voided.json()["status"] == "cancelled"
    assert await system.books() == {}


async def test_a_captured_card_is_cancelled_rather_than_refunded(
    shop: Caller, gateway: Gateway
) -> None:
    payment = await charged(shop, gateway, ACCEPTED_CARD)

    refused = await shop.refund(payment)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/payment_not_settled")


async def test_a_card_token_never_reaches_the_log_in_clear(
    system: Running, gateway: Gateway, shop: Caller
) -> None:
    token = await gateway.card_token(ACCEPTED_CARD)
    payer = {"name": "Siti Rahayu", "email": "siti@example.id", "phone": "081234567890"}

    await shop.request("credit_card", 99_000, cardToken=token, payer=payer)

    async with system.wired.readers.connection() as conn:
        rows = await (await conn.execute("select state from events")).fetchall()
    stored = b"".join(bytes(row["state"]) for row in rows)
    assert all(secret.encode() not in stored for secret in (token, *payer.values()))
