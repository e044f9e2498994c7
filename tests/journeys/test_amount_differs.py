"""The gateway holds another amount than was asked for: nothing is booked, a person has to look."""

from support.customer import ACCEPTED_CARD, Caller, Fields, Gateway, eventually
from support.running import Running

REVIEW = "/problems/payment_under_review"


async def frozen(shop: Caller, payment: Fields) -> Fields:
    async def reviewed() -> Fields:
        found = await shop.payment(payment)
        assert found.get("underReview") == "amount_differs", found
        return found

    return await eventually(reviewed)


async def test_another_amount_in_the_answer_to_the_charge_freezes_the_payment(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("wrong_amount", path="/v2/charge")

    answer = await shop.ask(
        "credit_card", 99_000, cardToken=await gateway.card_token(ACCEPTED_CARD)
    )

    payment = await frozen(shop, answer.json())
    assert payment["capturedAmount"] == 0
    assert await system.books() == {}


async def test_another_amount_paid_freezes_the_payment_and_every_later_command(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("gopay", 99_000)

    await gateway.pay(payment, amount=90_000, force=True)

    await frozen(shop, payment)
    length = await system.log_length()
    for command in (shop.capture, shop.cancel, shop.refund):
        answer = await command(payment)
        assert (answer.status_code, answer.json()["type"]) == (409, REVIEW)
    assert await system.books() == {}
    assert await system.log_length() == length
    assert (await shop.topics(payment))[-1] == "payment.review_requested"


async def test_what_the_gateway_says_later_changes_nothing_either(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("gopay", 99_000)
    await gateway.pay(payment, amount=90_000, force=True)
    await frozen(shop, payment)
    length = await system.log_length()

    await gateway.repeat_notice(payment, 3)
    system.later(25 * 3600)

    async def all_delivered() -> None:
        assert {notice["state"] for notice in await gateway.notices(payment)} == {"delivered"}
        rows = await system.inbox(payment["attempts"][0]["orderId"])
        assert all(row["done_at"] for row in rows)

    await eventually(all_delivered)
    assert await system.log_length() == length


async def test_a_refund_that_was_made_elsewhere_freezes_the_payment(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("gopay", 99_000)
    await gateway.pay(payment)
    await shop.until(payment, "settled")
    before = await system.books()

    answer = await system.http.post(
        f"{gateway.url}/v2/{payment['attempts'][0]['orderId']}/refund",
        json={"refund_key": "made-at-the-dashboard", "amount": 10_000},
        auth=(system.settings.midtrans.server_key.get_secret_value(), ""),
    )
    assert answer.json()["status_code"] == "200", answer.text

    async def reviewed() -> None:
        assert (await shop.payment(payment)).get("underReview") == "refund_not_ours"

    await eventually(reviewed)
    assert await system.books() == before
