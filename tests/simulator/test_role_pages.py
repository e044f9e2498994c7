"""A page for each role: what is there to see, and what its forms do."""

import re
from json import dumps

import pytest

from simulator.bank_pages import COUNTERS
from simulator.server import ROUTES

ROLES = ("/payer", "/bank", "/merchant", "/operator")
HTML = {"accept": "text/html"}


def page(merchant, path, **params):
    reply = merchant.http.get(path, params=params, auth=None)
    assert reply.status_code == 200
    return reply.text


def forms(text):
    """Each form's address and its fields with what stands in them; nothing is chosen yet."""
    found = re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', text, re.DOTALL)
    return [(action, filled(inside)) for action, inside in found]


def filled(inside):
    inputs = re.findall(r"<input [^>]*>", inside)
    named = [(attribute(one, "name"), attribute(one, "value")) for one in inputs]
    chosen = re.findall(r'<select name="([^"]+)">', inside)
    return dict(named) | dict.fromkeys(chosen, "")


def attribute(tag, name):
    found = re.search(rf'{name}="([^"]*)"', tag)
    return found.group(1) if found else ""


def submit(merchant, text, action, **known):
    """The first form there that has these values, with them and what stands in it."""
    (form, *_) = [
        fields
        for address, fields in forms(text)
        if address == action
        and all(fields.get(name) in (value, "") for name, value in known.items())
    ]
    return merchant.http.post(action, data=form | known, auth=None, headers=HTML)


@pytest.mark.parametrize("path", ROLES)
def test_the_front_page_leads_to_each_role_and_back(merchant, path):
    assert f'<a href="{path}">' in page(merchant, "/")
    assert '<a href="/">' in page(merchant, path)


@pytest.mark.parametrize("path", ROLES)
def test_every_form_posts_to_what_is_there(merchant, path):
    merchant.charge_card("4811111111111114")
    merchant.paid("permata_va")
    there = {route.path for route in ROUTES if "POST" in route.methods}

    addresses = {address for address, _ in forms(page(merchant, path))}

    assert addresses <= there


def test_the_bank_takes_a_payment_to_a_number(merchant, inbox):
    charged = merchant.charge("bca_va")
    number = charged["va_numbers"][0]["va_number"]
    counter = page(merchant, "/bca/va/index", number=number)

    done = submit(merchant, counter, "/_control/pay", amount="50000")

    assert charged["order_id"] in counter
    assert (done.status_code, done.headers["location"]) == (303, "/bca/va/index")
    inbox.wait(charged["order_id"], "pending", "settlement")


@pytest.mark.parametrize(
    ("method", "path", "shown"),
    [
        ("permata_va", "/openapi/va/index", lambda c: c["permata_va_number"]),
        ("echannel", "/openapi/va/index", lambda c: c["bill_key"]),
        ("alfamart", "/alfamart/index", lambda c: c["payment_code"]),
        ("indomaret", "/indomaret/phoenix/index", lambda c: c["payment_code"]),
        ("qris", "/v2/qris/index", lambda c: c["qr_string"]),
        ("qris", "/v2/qris/index", lambda c: c["actions"][0]["url"]),
        ("gopay", "/v2/qris/index", lambda c: c["actions"][1]["url"]),
        ("gopay", "/v2/deeplink/index", lambda c: c["actions"][2]["url"]),
        ("shopeepay", "/v2/deeplink/index", lambda c: c["actions"][0]["url"]),
    ],
)
def test_each_counter_finds_its_bill(merchant, method, path, shown):
    charged = merchant.charge(method)
    counter = page(merchant, path, number=shown(charged))
    submit(merchant, counter, "/_control/pay", transaction_id=charged["transaction_id"])

    assert merchant.status(charged["order_id"])["transaction_status"] == "settlement"


def test_a_scan_names_the_app_that_scanned(merchant):
    charged = merchant.charge("gopay")
    counter = page(merchant, "/v2/qris/index", number=charged["actions"][0]["url"])
    fields = {"transaction_id": charged["transaction_id"], "issuer": "dana", "back": "/bank"}
    merchant.http.post("/_control/pay", data=fields, auth=None)

    paid = merchant.status(charged["order_id"])
    assert '<option value="dana">' in counter
    assert (paid["payment_type"], paid["issuer"]) == ("qris", "dana")


def test_a_wrong_amount_is_told_on_a_page_and_can_be_forced(merchant):
    charged = merchant.charge("bca_va")
    counter = page(merchant, "/bca/va/index", number=charged["va_numbers"][0]["va_number"])
    (plain, forcing) = [fields for address, fields in forms(counter) if address.endswith("/pay")]
    wrong = merchant.http.post("/_control/pay", data=plain | {"amount": "49999"}, headers=HTML)
    forced = merchant.http.post("/_control/pay", data=forcing | {"amount": "49999"}, headers=HTML)

    assert (wrong.status_code, forced.status_code) == (409, 303)
    assert "50000 is to be paid" in wrong.text
    assert merchant.status(charged["order_id"])["gross_amount"] == "49999.00"


@pytest.mark.parametrize("counter", COUNTERS, ids=lambda counter: counter.path)
def test_a_counter_says_when_there_is_nothing_to_pay(merchant, counter):
    assert "nothing to pay" in page(merchant, counter.path, number="0")


def test_the_bank_takes_back_charges_back_and_confirms(merchant):
    reversed_, charged = merchant.paid("permata_va"), merchant.charge_card("4811111111111114")
    merchant.control("settle", order_id=charged["order_id"])
    refunded = merchant.paid("gopay")
    merchant.post(f"/v2/{refunded['order_id']}/refund", {"refund_key": "by-bank"})
    text = page(merchant, "/bank")
    submit(merchant, text, "/_control/reverse", transaction_id=reversed_["transaction_id"])
    known = {"transaction_id": charged["transaction_id"], "amount": "1000"}
    submit(merchant, text, "/_control/chargeback", **known)

    assert merchant.status(reversed_["order_id"])["transaction_status"] == "deny"
    assert merchant.status(charged["order_id"])["transaction_status"] == "partial_chargeback"


def test_the_merchant_sees_notices_and_asks_for_them_again(merchant, inbox):
    order_id = merchant.charge()["order_id"]
    inbox.wait(order_id, "pending")
    text = page(merchant, "/merchant")
    submit(merchant, text, "/_control/notices", order_id=order_id)

    assert "midtrans payment notification" in text
    inbox.wait(order_id, "pending", "pending")


def test_the_operator_moves_the_clock_and_sets_traps(merchant):
    text = page(merchant, "/operator")
    before = merchant.get("/_control/clock")["offset_seconds"]
    submit(merchant, text, "/_control/clock", advance_seconds="3600")
    after = merchant.get("/_control/clock")["offset_seconds"]
    trap = {"fault": "rate_limit_429", "match.order_id_prefix": "page-"}
    submit(merchant, text, "/_control/faults", **trap)
    struck = merchant.http.post("/v2/charge", json=merchant.body(order_id="page-1"))

    assert 3_600 <= after - before < 3_660
    assert struck.status_code == 429
    assert merchant.charge(order_id="page-2")["status_code"] == "201"


def test_the_operator_stops_the_clock_and_lets_it_go_on(merchant):
    stopped = submit(merchant, page(merchant, "/operator"), "/_control/clock", frozen="true")
    frozen = merchant.get("/_control/clock")["frozen"]
    submit(merchant, page(merchant, "/operator"), "/_control/clock", frozen="false")

    assert (stopped.status_code, frozen) == (303, True)
    assert merchant.get("/_control/clock")["frozen"] is False


def test_the_operator_holds_notices_back(merchant, inbox):
    text = page(merchant, "/operator")
    submit(merchant, text, "/_control/notices/hold", hold="true")
    order_id = merchant.charge()["order_id"]
    held = inbox.bodies(order_id)
    submit(merchant, text, "/_control/notices/hold", hold="false")

    assert held == []
    inbox.wait(order_id, "pending")


def test_the_payer_links_confirms_and_unlinks(merchant):
    partner = {"phone_number": "81234567891", "redirect_url": "https://shop.test"}
    asked = merchant.post("/v2/pay/account", {"payment_type": "gopay", "gopay_partner": partner})
    before = page(merchant, "/payer")
    merchant.http.post(f"/gopay/link/{asked['account_id']}", data={"pin": "112233"}, auth=None)
    after = page(merchant, "/payer")
    submit(merchant, after, "/_control/accounts/unlink", account_id=asked["account_id"])

    assert f"/gopay/link/{asked['account_id']}" in before
    account = merchant.get(f"/v2/pay/account/{asked['account_id']}")
    assert account["account_status"] == "DISABLED"


def test_a_payers_open_payment_pages_are_listed(merchant):
    details = {"order_id": merchant.order_id(), "gross_amount": 50_000}
    session = merchant.post("/snap/v1/transactions", {"transaction_details": details})

    assert f"/snap/v3/redirection/{session['token']}" in page(merchant, "/payer")


def test_what_cannot_be_is_told_to_people_in_words(merchant):
    known = {"order_id": merchant.paid()["order_id"], "back": "/bank"}

    refused = merchant.http.post("/_control/pay", data=known, auth=None, headers=HTML)

    assert refused.status_code == 409
    assert refused.headers["content-type"].startswith("text/html")


def test_json_is_taken_whatever_its_content_type(merchant):
    """`curl -d '{...}'` declares a form."""
    charged = merchant.charge()
    text = dumps({"order_id": charged["order_id"]})
    form = {"content-type": "application/x-www-form-urlencoded"}

    paid = merchant.http.post("/_control/pay", content=text, headers=form, auth=None)

    assert paid.json()["transaction"]["status"] == "settlement"


@pytest.mark.parametrize("raw", ["[1]", '"text"', "7", "[[1, 2, 3]]"])
def test_what_is_no_object_is_a_bad_request(merchant, raw):
    json = {"content-type": "application/json"}

    assert merchant.http.post("/_control/pay", content=raw, headers=json).status_code == 400


def test_a_form_never_leads_elsewhere(merchant):
    fields = {"advance_seconds": "0", "back": "https://elsewhere.test"}

    done = merchant.http.post("/_control/clock", data=fields, auth=None)

    assert done.headers["location"] == "/"
