"""When, from what, and by which call a refund is possible (midtrans.md 6)."""

from datetime import datetime, timedelta
from itertools import count

import pytest

DAY = 86_400
SERIAL = count(1)
# method, days within which a refund is possible
WINDOWS = (
    ("gopay", 45),
    ("qris", 45),
    ("qris_shopee", 365),
    ("shopeepay", 365),
    ("ovo", 7),
    ("kredivo", 14),
)
STUCK = ("412", "Transaction status cannot be updated.")


def refund(merchant, order_id, how="refund", **body):
    body.setdefault("refund_key", f"limit-{next(SERIAL)}")
    return merchant.post(f"/v2/{order_id}/{how}", body)


def told(answer):
    return answer["status_code"], answer["status_message"]


@pytest.mark.parametrize(("method", "days"), WINDOWS)
def test_a_window_closes(merchant, method, days):
    first, second = (merchant.paid(method)["order_id"] for _ in range(2))
    merchant.control("clock", advance_seconds=days * DAY - 60)
    in_time = refund(merchant, first)
    merchant.control("clock", advance_seconds=120)

    assert in_time["status_code"] == "200"
    assert told(refund(merchant, second)) == STUCK


def test_another_banks_scan_is_refundable_for_a_week(merchant):
    order_id = merchant.charge("gopay")["order_id"]
    merchant.control("pay", order_id=order_id, issuer="linkaja")
    merchant.control("clock", advance_seconds=7 * DAY + 60)

    assert told(refund(merchant, order_id)) == STUCK


@pytest.mark.parametrize(("issuer", "code"), [("bca", "412"), ("linkaja", "200")])
def test_shopeepay_gives_nothing_back_to_some_banks(merchant, issuer, code):
    order_id = merchant.charge("qris_shopee")["order_id"]
    merchant.control("pay", order_id=order_id, issuer=issuer)

    assert refund(merchant, order_id)["status_code"] == code


@pytest.mark.parametrize(
    ("method", "code"), [("ovo", "412"), ("gopay", "200"), ("qris", "200"), ("akulaku", "200")]
)
def test_not_every_method_is_refunded_directly(merchant, method, code):
    order_id = merchant.paid(method)["order_id"]

    assert refund(merchant, order_id, "refund/online/direct")["status_code"] == code


@pytest.mark.parametrize(("bank", "code"), [("mandiri", "412"), ("cimb", "412"), ("bca", "200")])
def test_not_every_bank_refunds_directly(merchant, bank, code):
    order_id = merchant.charge_card("4811111111111114", bank=bank)["order_id"]
    merchant.control("settle", order_id=order_id)

    assert refund(merchant, order_id, "refund/online/direct")["status_code"] == code


@pytest.fixture
def poor(merchant):
    merchant.control("balance", balance=30_000)
    yield
    merchant.control("balance", balance=None)


@pytest.mark.usefixtures("poor")
def test_a_refund_needs_money_and_its_key_may_be_tried_again(merchant):
    order_id = merchant.paid()["order_id"]
    refused = refund(merchant, order_id, refund_key="again")
    part = refund(merchant, order_id, amount=20_000)
    merchant.control("balance", balance=30_000)

    assert refused["status_code"] == "414"
    assert "insufficient funds" in refused["status_message"]
    assert part["status_code"] == "200"
    assert refund(merchant, order_id, refund_key="again", amount=30_000)["status_code"] == "200"
    assert merchant.get("/_control/balance")["balance"] == 0


@pytest.mark.usefixtures("poor")
def test_a_key_is_dead_a_week_after_it_failed(merchant):
    order_id = merchant.paid()["order_id"]
    refund(merchant, order_id, refund_key="old")
    merchant.control("balance", balance=None)
    merchant.control("clock", advance_seconds=7 * DAY + 60)

    assert refund(merchant, order_id, refund_key="old")["status_code"] == "412"
    assert refund(merchant, order_id, refund_key="new")["status_code"] == "200"


def test_a_refund_of_ovo_names_the_phone_and_the_invoice(merchant):
    order_id = merchant.paid("ovo")["order_id"]

    made = refund(merchant, order_id)

    assert made["payer_phone_number"] == "081111111111"
    assert made["merchant_invoice"]


def night(merchant):
    """The next two in the morning in Jakarta."""
    now = datetime.fromisoformat(merchant.get("/_control/clock")["now"])
    return (now + timedelta(days=1)).replace(hour=2, minute=0).isoformat()


def test_shopeepay_sleeps_at_night_when_simulated_strictly(strict):
    order_id = strict.paid("shopeepay")["order_id"]
    strict.control("clock", set=night(strict))
    asleep = refund(strict, order_id)
    strict.control("clock", advance_seconds=5 * 3_600)

    assert told(asleep) == STUCK
    assert refund(strict, order_id)["status_code"] == "200"


@pytest.mark.parametrize("order_id", ["a b", "a:b", "a/b", "a#b"])
def test_order_ids_are_read_strictly_on_request(merchant, strict, order_id):
    refused = strict.charge(order_id=order_id)
    accepted = merchant.charge(order_id=order_id)

    assert (refused["status_code"], accepted["status_code"]) == ("400", "201")


def test_kredivos_goods_have_a_page_when_simulated_strictly(strict):
    item = {"id": "i", "name": "Tea", "price": 50_000, "quantity": 1}
    bare = strict.charge("kredivo", item_details=[item])
    whole = strict.charge("kredivo", item_details=[item | {"url": "https://shop.test/tea"}])

    assert (bare["status_code"], whole["status_code"]) == ("400", "201")
