"""The gateway is down, slow, or silent: the payer is charged once in the end, or not at all, and never twice."""

import asyncio

import pytest

from ledger.providers import breaker
from support.customer import ACCEPTED_CARD, Caller, Fields, Gateway, eventually
from support.running import Running


async def only_charge(shop: Caller, gateway: Gateway, payment: Fields) -> Fields:
    """The one transaction in the gateway's book, under the one order id of the payment."""
    found = await shop.payment(payment)
    assert len(found["attempts"]) == 1
    charge = await gateway.charge(payment)
    assert charge["order_id"] == found["attempts"][0]["orderId"]
    return charge


async def test_an_outage_is_answered_202_and_the_charge_made_afterwards(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.outage(True)
    answer = await shop.ask("bca_va", 99_000)
    assert answer.status_code == 202, answer.text
    payment = answer.json()
    assert payment["nextAction"]["type"] == "wait"
    assert await gateway.charges(payment) == []

    await gateway.outage(False)
    system.later(6)

    payment = await shop.until(payment, "pending")
    await only_charge(shop, gateway, payment)
    await gateway.pay(payment)
    await shop.until(payment, "settled")
    assert (await system.books())["Assets:Gateway:Midtrans:Available"] == 94_560


async def test_an_outage_that_lasts_leaves_the_payment_unknown_and_no_charge(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.outage(True)
    payment = (await shop.ask("bca_va", 99_000)).json()

    for _ in range(3):
        system.later(60)
        assert (await shop.payment(payment))["status"] in ("unknown", "dispatched", "requested")
    await gateway.outage(False)
    system.later(3_600)

    await shop.until(payment, "pending")
    await only_charge(shop, gateway, payment)


async def test_a_refusal_that_may_pass_is_retried_and_the_retry_can_be_seen(
    shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("rate_limit_429", path="/v2/charge", times=1)

    answer = await shop.ask("gopay", 99_000)

    assert answer.status_code == 202
    attempt = answer.json()["attempts"][0]
    assert attempt["retries"] == 1
    assert attempt["nextTryAt"]
    assert attempt["failure"]["code"] == "rate_limited"
    payment = await shop.until(answer.json(), "pending")
    assert "failure" not in payment["attempts"][0]
    assert (await only_charge(shop, gateway, payment))["request_count"] == 1


async def test_after_three_retries_the_attempt_fails_and_the_next_method_is_tried(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("va_505", path="/v2/charge", times=4)
    payment = (await shop.ask("bca_va", 99_000, fallbackMethods=["gopay"])).json()

    async def fallen_back() -> Fields:
        system.later(5)
        found = await shop.payment(payment)
        assert found["paymentMethod"] == "gopay" and found["status"] == "pending", found
        return found

    found = await eventually(fallen_back)
    topics = await shop.topics(payment)
    assert topics.count("payment.charge_retry_scheduled") == 3
    assert topics.count("payment.charge_failed") == 1
    assert topics.count("payment.charge_dispatched") == 5
    assert found["attempts"][0]["retries"] == 3
    assert [one["method"] for one in await gateway.charges(payment)] == ["gopay"]


async def test_a_refusal_that_will_not_pass_fails_at_once(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    answer = await shop.ask("credit_card", 99_000, cardToken="not-a-token-of-the-gateway")

    payment = await shop.until(answer.json(), "failed")

    assert payment["attempts"][0]["failure"]["code"] == "card_token_invalid"
    assert "payment.charge_retry_scheduled" not in await shop.topics(payment)
    assert await system.books() == {}


@pytest.mark.parametrize("method", ["bca_va", "permata_va", "gopay"])
@pytest.mark.parametrize("fault", ["do_then_hang", "do_then_500", "do_then_reset"])
async def test_a_charge_whose_answer_was_lost_is_found_by_asking(
    system: Running, shop: Caller, gateway: Gateway, fault: str, method: str
) -> None:
    await gateway.hold_notices()  # one of them would tell sooner
    await gateway.fault(fault, path="/v2/charge", seconds=1)
    answer = await shop.ask(method, 99_000)
    assert answer.status_code == 202
    assert answer.json()["status"] == "unknown"

    system.later(6)

    payment = await shop.until(answer.json(), "pending")
    assert (await only_charge(shop, gateway, payment))["request_count"] == 1
    assert (await shop.topics(payment)).count("payment.charge_dispatched") == 1
    await gateway.release_notices()
    await gateway.pay(payment)
    await shop.until(payment, "settled")


async def test_a_notice_ends_the_doubt_before_the_call_has_timed_out(
    shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("do_then_hang", path="/v2/charge", seconds=1)

    payment = await shop.request("bca_va", 99_000)

    assert payment["status"] == "pending"
    assert (await only_charge(shop, gateway, payment))["request_count"] == 1


@pytest.mark.parametrize("method", ["bca_va", "permata_va"])
@pytest.mark.parametrize("fault", ["reset_before", "hang", "html_502", "error_500_without_doing"])
async def test_a_charge_that_never_arrived_is_sent_again_under_the_same_order_id(
    system: Running, shop: Caller, gateway: Gateway, fault: str, method: str
) -> None:
    await gateway.fault(fault, path="/v2/charge", seconds=1)
    answer = await shop.ask(method, 99_000)
    assert answer.json()["status"] == "unknown"

    system.later(6)

    payment = await shop.until(answer.json(), "pending")
    assert (await only_charge(shop, gateway, payment))["request_count"] == 1
    assert (await shop.topics(payment)).count("payment.charge_dispatched") == 2


async def test_a_charge_that_arrives_late_meets_its_own_repetition(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.hold_notices()
    await gateway.fault("do_late", path="/v2/charge", seconds=1.5)
    answer = await shop.ask("permata_va", 99_000)
    assert answer.json()["status"] == "unknown"

    system.later(6)  # the gateway has not seen it, and by our clock it is lost

    payment = await shop.until(answer.json(), "pending")

    async def both_arrived() -> None:
        assert (await only_charge(shop, gateway, payment))["request_count"] == 2

    await eventually(both_arrived)
    await gateway.release_notices()
    await gateway.pay(payment)
    await shop.until(payment, "settled")


async def test_a_first_404_does_not_make_us_charge_twice(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("do_then_500", path="/v2/charge")
    await gateway.fault("not_found_then_found", path="/status")
    answer = await shop.ask("permata_va", 99_000)

    system.later(6)

    payment = await shop.until(answer.json(), "pending", "unknown")
    for _ in range(3):
        system.later(6)
    payment = await shop.until(payment, "pending")
    await only_charge(shop, gateway, payment)


async def test_a_charge_of_unknown_outcome_is_cancelled_once_it_is_known(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.hold_notices()
    await gateway.fault("do_then_500", path="/v2/charge")
    payment = (await shop.ask("bca_va", 99_000)).json()

    asked = await shop.cancel(payment)
    assert asked.status_code == 202, asked.text
    system.later(16)

    await shop.until(payment, "cancelled")
    assert (await gateway.charge(payment))["status"] == "cancel"


async def test_a_card_that_was_captured_in_silence_is_booked_once(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("do_then_500", path="/v2/charge")
    token = await gateway.card_token(ACCEPTED_CARD)
    payment = (await shop.ask("credit_card", 99_000, cardToken=token)).json()

    system.later(6)

    await shop.until(payment, "captured")
    assert (await system.books())["Assets:Gateway:Midtrans:Pending"] == 99_000
    assert (await only_charge(shop, gateway, payment))["status"] == "capture"


@pytest.mark.parametrize("fault", ["do_then_500", "reset_before"])
async def test_a_capture_of_unknown_outcome_is_carried_through(
    system: Running, shop: Caller, gateway: Gateway, fault: str
) -> None:
    token = await gateway.card_token(ACCEPTED_CARD)
    held = await shop.request("credit_card", 150_000, cardToken=token, capture="later")
    await gateway.fault(fault, held["paymentId"], path="/v2/capture")

    answer = await shop.capture(held, 99_000)
    assert answer.status_code == 202, answer.text
    system.later(16)

    captured = await shop.until(held, "captured")
    assert captured["capturedAmount"] == (await gateway.charge(held))["gross_amount"] == 99_000


async def test_a_gateway_that_keeps_failing_is_left_in_peace_and_charged_once_it_is_well(
    system: Running, shop: Caller, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "REST_SECONDS", 2.0)
    await gateway.fault("html_502", path="/v2/", times=1_000)
    for _ in range(breaker.FEWEST_CALLS):
        await shop.ask("bca_va", 99_000)

    answer = await shop.ask("bca_va", 99_000)
    assert answer.status_code == 202, answer.text
    payment = answer.json()
    assert payment["status"] == "requested"
    assert payment["nextAction"]["type"] == "wait"

    await gateway.forget_faults()
    system.later(10)
    await asyncio.sleep(2)
    system.later(10)
    payment = await shop.until(payment, "pending")
    assert (await only_charge(shop, gateway, payment))["request_count"] == 1
