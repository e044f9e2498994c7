"""The BIN API and card points (midtrans.md 1.6, 1.7, 1.8, 5)."""

import pytest

from simulator.bins import Meter, bin_of
from simulator.cards import CARDS
from simulator.clock import Clock


@pytest.mark.parametrize("key", ["SB-Mid-server-test", "SB-Mid-client-test"])
def test_a_bin_is_known_to_either_key(merchant, key):
    reply = merchant.http.get("/v1/bins/45563300", auth=(key, ""))

    assert reply.status_code == 200
    assert reply.json() == {
        "data": {
            "country_name": "Indonesia",
            "country_code": "id",
            "brand": "visa",
            "bin_type": "credit",
            "bin_class": "gold",
            "bin": "45563300",
            "bank_code": "bca",
            "bank": "bank central asia",
        }
    }


@pytest.mark.parametrize(
    ("digits", "bank"), [("526422", "bni"), ("5573381", "mandiri"), ("43650263", "bri")]
)
def test_six_to_eight_digits_are_enough(merchant, digits, bank):
    assert merchant.get(f"/v1/bins/{digits}")["data"]["bank_code"] == bank


@pytest.mark.parametrize("digits", ["99999999", "45563", "456330000", "45563300x"])
def test_an_unknown_bin_is_not_found(merchant, digits):
    reply = merchant.http.get(f"/v1/bins/{digits}")

    assert reply.status_code == 404
    assert reply.json() == {"errors": [{"message_title": "not found", "message": "not found"}]}


def test_a_wrong_key_is_told_in_plain_text(merchant):
    reply = merchant.http.get("/v1/bins/45563300", auth=("abc", ""))

    assert reply.status_code == 401
    assert reply.headers["content-type"].startswith("text/plain")


def test_the_hundred_and_first_of_a_minute_is_409(merchant):
    merchant.control("clock", advance_seconds=60)
    codes = [merchant.http.get("/v1/bins/45563300").status_code for _ in range(101)]
    merchant.control("clock", advance_seconds=61)

    assert codes == [200] * 100 + [409]
    assert merchant.http.get("/v1/bins/45563300").status_code == 200


def test_the_minute_slides():
    clock = Clock()
    clock.freeze()
    meter = Meter(clock)
    first = [meter.allows_one_more() for _ in range(50)]
    clock.advance(40)
    second = [meter.allows_one_more() for _ in range(51)]
    clock.advance(20)

    assert all(first) and all(second[:50]) and not second[50]
    assert [meter.allows_one_more() for _ in range(51)].count(True) == 50


def test_every_test_card_has_a_bin():
    assert [number for number in CARDS if bin_of(number) is None] == []


@pytest.mark.parametrize("number", ["5264 2210 3887 4659", "4617 0069 5974 6656"])
def test_points_are_told_and_the_token_is_still_good(merchant, number):
    token_id = merchant.card_token(number)["token_id"]
    told = merchant.get(f"/v2/point_inquiry/{token_id}?gross_amount=50000")
    card = {"payment_type": "credit_card", "credit_card": {"token_id": token_id}}
    charged = merchant.post("/v2/charge", merchant.body() | card)

    assert told["status_code"] == "200"
    assert told["status_message"] == "Success, Credit Card Point inquiry is successful"
    assert told["point_balance_amount"] == "10000.00"
    assert charged["transaction_status"] == "capture"


def test_points_of_an_unknown_token_are_refused(merchant):
    refused = merchant.get("/v2/point_inquiry/nobody")

    assert refused["status_code"] == "411"
    assert refused["status_message"] == "Token id is missing, invalid, or timed out"


def test_a_card_of_another_bank_has_no_points(merchant):
    token_id = merchant.card_token("4773 7760 5705 1650")["token_id"]

    assert merchant.get(f"/v2/point_inquiry/{token_id}")["status_code"] == "400"
