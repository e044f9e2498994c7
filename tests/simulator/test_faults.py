"""Misbehaviour on request: what the merchant hears against what was done."""

import time
from hashlib import sha512

import httpx2
import pytest

# fault, HTTP status and body code the merchant hears, whether the charge was made
HEARD = (
    ("refuse_503", 503, "503", False),
    ("error_500_without_doing", 500, "500", False),
    ("va_505", 200, "505", False),
    ("rate_limit_429", 429, None, False),
    ("conflict_406", 200, "406", False),
    ("in_progress_202", 202, None, False),
    ("do_then_500", 500, "500", True),
)
UNHEARD = (("refuse_before", False), ("reset_before", False), ("do_then_reset", True))
MEBIBYTE = 1024 * 1024


def misbehave(merchant, fault, order_id, **more):
    match = {"order_id_prefix": order_id}
    return merchant.control("faults", fault=fault, match=match, **more)


def exists(merchant, order_id):
    return merchant.status(order_id)["status_code"] != "404"


@pytest.mark.parametrize(("fault", "http", "code", "done"), HEARD)
def test_what_is_said_may_not_be_what_was_done(merchant, fault, http, code, done):
    body = merchant.body()
    order_id = body["transaction_details"]["order_id"]
    misbehave(merchant, fault, order_id)

    reply = merchant.http.post("/v2/charge", json=body)

    assert (reply.status_code, reply.json().get("status_code")) == (http, code)
    assert exists(merchant, order_id) is done
    assert merchant.charge(order_id=order_id)["status_code"] == ("406" if done else "201")


@pytest.mark.parametrize(("fault", "done"), UNHEARD)
def test_a_cut_connection_says_nothing(merchant, fault, done):
    body = merchant.body()
    order_id = body["transaction_details"]["order_id"]
    misbehave(merchant, fault, order_id)

    with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
        merchant.http.post("/v2/charge", json=body)

    assert exists(merchant, order_id) is done


@pytest.mark.parametrize(
    ("fault", "done_before"), [("hang", False), ("do_then_hang", True), ("do_late", False)]
)
def test_a_hanging_answer_outlasts_the_merchants_patience(merchant, fault, done_before):
    body = merchant.body()
    order_id = body["transaction_details"]["order_id"]
    misbehave(merchant, fault, order_id, seconds=0.4)

    with pytest.raises(httpx2.ReadTimeout):
        merchant.http.post("/v2/charge", json=body, timeout=0.1)

    assert exists(merchant, order_id) is done_before
    time.sleep(0.5)
    assert exists(merchant, order_id) is (fault != "hang")


def test_a_dripping_answer_is_true_and_slow(merchant):
    body = merchant.body()
    misbehave(merchant, "drip", body["transaction_details"]["order_id"], seconds=0.001)
    begun = time.monotonic()

    dripped = merchant.post("/v2/charge", body)

    assert dripped["status_code"] == "201"
    assert time.monotonic() - begun > 0.3


def test_a_merchant_that_leaves_a_dripping_answer_is_let_go(merchant):
    order_id = merchant.charge()["order_id"]
    misbehave(merchant, "drip", order_id, seconds=30)

    with merchant.http.stream("GET", f"/v2/{order_id}/status") as reply:
        first = next(reply.iter_raw())

    assert first == b"{"
    assert exists(merchant, order_id)


def test_a_huge_answer_has_a_true_end(merchant):
    order_id = merchant.charge()["order_id"]
    misbehave(merchant, "huge", order_id)
    size, tail = 0, b""

    with merchant.http.stream("GET", f"/v2/{order_id}/status") as reply:
        for part in reply.iter_raw():
            size, tail = size + len(part), (tail + part)[-2000:]

    assert "content-length" not in reply.headers
    assert size > 200 * MEBIBYTE
    assert f'"order_id":"{order_id}"'.encode() in tail


def test_a_huge_answer_stops_when_nobody_reads_it(merchant):
    body = merchant.body()
    order_id = body["transaction_details"]["order_id"]
    misbehave(merchant, "huge", order_id)

    with merchant.http.stream("POST", "/v2/charge", json=body) as reply:
        next(reply.iter_raw())

    assert exists(merchant, order_id)


def test_a_rate_limit_has_a_shape_of_its_own(merchant):
    misbehave(merchant, "rate_limit_429", "limited")

    assert merchant.charge(order_id="limited") == {"message": "API rate limit exceeded"}


def test_html_comes_from_the_proxy_in_front(merchant):
    merchant.control("faults", fault="html_502", match={"path_contains": "/status"})

    reply = merchant.http.get("/v2/whatever/status")

    assert reply.status_code == 502
    assert reply.headers["content-type"].startswith("text/html")


def test_a_fault_lasts_as_often_as_asked(merchant):
    order_id = merchant.charge()["order_id"]
    misbehave(merchant, "not_found_then_found", order_id, times=2)

    codes = [merchant.status(order_id)["status_code"] for _ in range(3)]

    assert codes == ["404", "404", "201"]


def test_a_wrong_amount_is_properly_signed(merchant):
    charged = merchant.charge()
    order_id = charged["order_id"]
    misbehave(merchant, "wrong_amount", order_id)

    lie, truth = merchant.status(order_id), merchant.status(order_id)

    assert (lie["gross_amount"], truth["gross_amount"]) == ("51000.00", "50000.00")
    assert lie["signature_key"] != truth["signature_key"]


def test_a_wrong_order_is_properly_signed(merchant):
    charged = merchant.charge()
    order_id = charged["order_id"]
    misbehave(merchant, "wrong_order_id", order_id)

    lie, truth = merchant.status(order_id), merchant.status(order_id)

    assert (lie["order_id"], truth["order_id"]) == (f"{order_id}-other", order_id)
    assert lie["transaction_id"] == truth["transaction_id"]
    signed = f"{order_id}-other201{lie['gross_amount']}SB-Mid-server-test"
    assert lie["signature_key"] == sha512(signed.encode()).hexdigest()


@pytest.mark.parametrize("way", ["refund", "refund/online/direct"])
def test_a_bank_denies_a_refund(merchant, way):
    order_id = merchant.paid()["order_id"]
    misbehave(merchant, "refund_denied", order_id)

    denied = merchant.post(f"/v2/{order_id}/{way}", {"refund_key": "a", "amount": 10_000})

    assert (denied["status_code"], denied["transaction_status"]) == ("202", "settlement")
    assert denied["refund_amount"] == "0.00"
    assert merchant.post(f"/v2/{order_id}/{way}", {"refund_key": "a"})["status_code"] == "200"


def test_a_bank_denies_later_what_was_accepted(merchant, inbox):
    order_id = merchant.paid()["order_id"]
    misbehave(merchant, "refund_denied_later", order_id, seconds=600)

    first = merchant.post(f"/v2/{order_id}/refund", {"refund_key": "a", "amount": 10_000})
    second = merchant.post(f"/v2/{order_id}/refund", {"refund_key": "b", "amount": 10_000})
    inbox.wait(order_id, "pending", "settlement", *["partial_refund"] * 3)
    before = merchant.status(order_id)
    merchant.control("clock", advance_seconds=601)
    after = merchant.status(order_id)

    assert (first["status_code"], second["status_code"]) == ("200", "200")
    assert [one["refund_key"] for one in before["refunds"]] == ["a", "b"]
    assert [one["refund_key"] for one in after["refunds"]] == ["b"]
    assert (after["transaction_status"], after["refund_amount"]) == ("partial_refund", "10000.00")
    assert len(inbox.bodies(order_id)) == 5  # a refusal is not told (midtrans.md 10.4)
    again = merchant.post(f"/v2/{order_id}/refund", {"refund_key": "a", "amount": 40_000})
    assert (again["status_code"], again["transaction_status"]) == ("200", "refund")


def test_a_settlement_is_reversed_later(merchant, inbox):
    body = merchant.body("permata_va")
    order_id = body["transaction_details"]["order_id"]
    misbehave(merchant, "reversed_later", order_id, seconds=120)
    merchant.post("/v2/charge", body)
    merchant.control("pay", order_id=order_id)
    paid = merchant.status(order_id)["transaction_status"]
    merchant.control("clock", advance_seconds=121)

    assert paid == "settlement"
    assert merchant.status(order_id)["transaction_status"] == "deny"
    inbox.wait(order_id, "pending", "settlement", "deny")


def test_only_documented_methods_are_reversed(merchant):
    body = merchant.body("gopay")
    misbehave(merchant, "reversed_later", body["transaction_details"]["order_id"])
    merchant.post("/v2/charge", body)

    assert [one["struck"] for one in merchant.get("/_control/faults")["faults"]] == [0]
    merchant.heal()


def test_snap_refuses_in_a_shape_of_its_own(merchant):
    misbehave(merchant, "refuse_503", "snapped")
    details = {"order_id": "snapped", "gross_amount": 10_000}

    refused = merchant.http.post("/snap/v1/transactions", json={"transaction_details": details})

    assert refused.status_code == 503
    assert refused.json() == {"error_messages": ["Service is unavailable."]}


def test_a_snap_request_is_done_late_too(merchant):
    misbehave(merchant, "do_late", "snapped-late", seconds=0.3)
    details = {"order_id": "snapped-late", "gross_amount": 10_000}
    begun = time.monotonic()

    made = merchant.http.post("/snap/v1/transactions", json={"transaction_details": details})

    assert made.status_code == 201
    assert time.monotonic() - begun >= 0.3


def test_a_provider_denies_a_charge(merchant, inbox):
    body = merchant.body("gopay")
    order_id = body["transaction_details"]["order_id"]
    misbehave(merchant, "deny", order_id)

    denied = merchant.post("/v2/charge", body)

    assert (denied["status_code"], denied["transaction_status"]) == ("202", "deny")
    inbox.wait(order_id, "deny")


def test_a_fault_finds_its_order_through_the_transaction_id(merchant):
    charged = merchant.charge()
    misbehave(merchant, "refuse_503", charged["order_id"])

    refused = merchant.http.get(f"/v2/{charged['transaction_id']}/status")

    assert refused.status_code == 503


def test_faults_are_listed_and_forgotten(merchant):
    misbehave(merchant, "hang", "nobody")
    listed = merchant.get("/_control/faults")["faults"]
    forgotten = merchant.heal()["faults"]

    assert [one["fault"] for one in listed] == ["hang"]
    assert forgotten == []
    assert merchant.control("faults", fault="tantrum")["http"] == 400


def test_an_outage_stops_merchants_but_not_the_control_panel(merchant):
    order_id = merchant.charge()["order_id"]
    merchant.control("outage", on=True)
    refused = [
        merchant.http.post("/v2/charge", json=merchant.body()).status_code,
        merchant.http.get(f"/v2/{order_id}/status").status_code,
        merchant.http.post("/snap/v1/transactions", json={}).status_code,
    ]
    paid = merchant.control("pay", order_id=order_id)
    merchant.control("outage", on=False)

    assert refused == [503, 503, 503]
    assert paid["http"] == 200
    assert merchant.status(order_id)["transaction_status"] == "settlement"
