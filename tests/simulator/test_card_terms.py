"""What a charge may ask of a card: banks, points, instalments, full numbers (midtrans.md 4.2)."""

import pytest

BNI, MANDIRI, BCA = "5264 2210 3887 4659", "4617 0069 5974 6656", "4773 7760 5705 1650"


def charge(merchant, card):
    return merchant.post(
        "/v2/charge", merchant.body() | {"payment_type": "credit_card", "credit_card": card}
    )


def points(merchant, number):
    token_id = merchant.card_token(number)["token_id"]
    return merchant.get(f"/v2/point_inquiry/{token_id}")["point_balance_amount"]


@pytest.mark.parametrize("bins", [["52642210"], ["5"], ["bni"], ["mandiri", "526422"], []])
def test_a_listed_card_is_taken(merchant, bins):
    assert merchant.charge_card(BNI, bins=bins)["transaction_status"] == "capture"


@pytest.mark.parametrize("bins", [["481111"], ["mandiri"], "bni"])
def test_a_card_that_is_not_listed_is_refused(merchant, bins):
    assert merchant.charge_card(BNI, bins=bins)["status_code"] == "400"


def test_a_bare_number_is_not_taken_on_this_host(merchant):
    card = {"number": "4811111111111114", "expiry_month": "12", "expiry_year": "2099", "cvv": "123"}

    refused = charge(merchant, {"card": card})

    assert refused["status_code"] == "402"
    assert refused["status_message"] == "Please migrate to Full PAN new endpoint"


def test_a_card_needs_a_token(merchant):
    assert charge(merchant, {})["validation_messages"] == ["credit_card.token_id is required"]


def test_points_pay_a_part_and_are_gone(merchant):
    paid = merchant.charge_card(BNI, point_redeem_amount=4_000)
    left = points(merchant, BNI)
    too_many = merchant.charge_card(BNI, point_redeem_amount=6_001)

    assert paid["transaction_status"] == "capture"
    assert paid["gross_amount"] == "50000.00"
    assert (paid["point_redeem_amount"], paid["point_balance_amount"]) == (4_000, "6000.00")
    assert left == "6000.00"
    assert too_many["status_code"] == "400"


def test_all_points_are_redeemed_on_request(merchant, inbox):
    paid = merchant.charge_card(MANDIRI, point_redeem_amount=-1)

    assert paid["point_redeem_amount"] == 10_000
    assert points(merchant, MANDIRI) == "0.00"
    assert inbox.wait(paid["order_id"], "capture")["point_redeem_amount"] == 10_000


def test_points_stay_when_the_card_is_refused(merchant):
    refused = "4105 0541 4854 1363"
    merchant.charge_card(refused, point_redeem_amount=1_000)

    assert points(merchant, refused) == "10000.00"


@pytest.mark.parametrize(("bank", "on_us"), [("bca", True), ("mandiri", False)])
def test_instalments_are_on_us_with_the_issuers_own_bank(merchant, bank, on_us):
    paid = merchant.charge_card(BCA, bank=bank, installment_term=6)

    assert (paid["installment_term"], paid["on_us"]) == ("6", on_us)
    assert paid["bank"] == bank


def test_a_bank_that_does_not_answer_is_a_failure(merchant, inbox):
    order_id = merchant.charge_card("4811111111111114", authentication=True)["order_id"]
    merchant.control("fail", order_id=order_id)

    failed = merchant.status(order_id)
    assert (failed["status_code"], failed["transaction_status"]) == ("202", "failure")
    assert failed["status_message"] == "Credit Card transaction is failed"
    assert inbox.wait(order_id, "pending", "failure")["status_code"] == "202"
