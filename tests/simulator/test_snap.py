"""Snap: tokens, the hosted page, and what exists only through it (midtrans.md 4.1, 6, 7)."""

import pytest

OK_DETAILS = {"order_id": "o", "gross_amount": 50_000}


def create(merchant, order_id="", **more):
    order = {"order_id": order_id or merchant.order_id(), "gross_amount": 50_000}
    reply = merchant.http.post("/snap/v1/transactions", json={"transaction_details": order} | more)
    assert reply.status_code == 201
    return order["order_id"], reply.json()


def test_a_session_is_not_a_transaction_until_a_method_is_chosen(merchant):
    order_id, session = create(merchant)
    before = merchant.status(order_id)
    merchant.control("pay", snap_token=session["token"], method="bca_va")

    assert session["redirect_url"].endswith(f"/{session['token']}")
    assert before["status_code"] == "404"
    assert merchant.status(order_id)["transaction_status"] == "settlement"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "transaction_details.order_id is required"),
        (
            {"transaction_details": {"order_id": "o"}},
            "transaction_details.gross_amount is required",
        ),
        (
            {
                "transaction_details": OK_DETAILS,
                "item_details": [{"price": 1, "quantity": 1, "name": "x"}],
            },
            "transaction_details.gross_amount is not equal to the sum of item_details",
        ),
        (
            {"transaction_details": OK_DETAILS | {"gross_amount": 0}},
            "transaction_details.gross_amount must be greater than or equal to 0.01",
        ),
    ],
)
def test_an_invalid_session_is_refused_in_snaps_own_shape(merchant, body, message):
    reply = merchant.http.post("/snap/v1/transactions", json=body)

    assert reply.status_code == 400
    assert message in reply.json()["error_messages"]


def test_a_wrong_key_is_unauthorised(merchant):
    reply = merchant.http.post("/snap/v1/transactions", json={}, auth=("abc", ""))

    assert reply.status_code == 401
    assert "unauthorized" in reply.json()["error_messages"][0]


def test_an_untried_order_gets_a_new_token_that_ends_the_old_one(merchant):
    order_id, old = create(merchant)
    _, new = create(merchant, order_id)

    assert merchant.control("pay", snap_token=old["token"])["http"] == 404
    assert merchant.control("pay", snap_token=new["token"])["http"] == 200


@pytest.mark.parametrize(
    ("act", "message"),
    [("pay", "has been paid and utilized"), ("deny", "has already been taken")],
)
def test_a_tried_order_is_taken(merchant, act, message):
    order_id = merchant.charge()["order_id"]
    merchant.control(act, order_id=order_id)
    body = {"transaction_details": {"order_id": order_id, "gross_amount": 1}}

    reply = merchant.http.post("/snap/v1/transactions", json=body)

    assert reply.status_code == 400
    assert message in reply.json()["error_messages"][0]


def test_unknown_and_retired_methods_do_not_fail_a_session(merchant):
    _, session = create(merchant, enabled_payments=["kioson", "moon_va", "dana", "other_qris"])
    page = merchant.http.get(session["redirect_url"], auth=None).text

    assert 'value="dana"' in page
    assert 'value="qris"' in page
    assert "kioson" not in page
    assert "bca_va" not in page


def test_a_customer_pays_by_hand_on_the_hosted_page(merchant, inbox):
    finish = {"callbacks": {"finish": "https://shop.test/done"}}
    order_id, session = create(merchant, enabled_payments=["gopay", "bca_va"], **finish)
    browser = {"auth": None, "follow_redirects": True}

    chosen = merchant.http.post(session["redirect_url"], data={"method": "bca_va"}, **browser)
    pending = merchant.status(order_id)
    form = {"id": pending["transaction_id"], "back": session["redirect_url"]}
    merchant.http.post("/act/pay", data=form, **browser)
    back = merchant.http.get(session["redirect_url"], auth=None).text

    assert pending["va_numbers"][0]["va_number"] in chosen.text
    inbox.wait(order_id, "pending", "settlement")
    assert f"https://shop.test/done?order_id={order_id}&amp;status_code=200" in back


def test_a_refused_customer_tries_another_method(merchant, inbox):
    order_id, session = create(merchant)
    merchant.http.post(session["redirect_url"], data={"method": "gopay"}, auth=None)
    first = merchant.status(order_id)["transaction_id"]
    busy = merchant.http.post(session["redirect_url"], data={"method": "qris"}, auth=None)
    merchant.control("deny", order_id=order_id)
    merchant.control("pay", snap_token=session["token"], method="qris")

    second = merchant.status(order_id)
    assert busy.status_code == 409
    assert (second["payment_type"], second["transaction_status"]) == ("qris", "settlement")
    assert second["transaction_id"] != first
    inbox.wait(order_id, "pending", "deny", "pending", "settlement")


def test_a_secure_card_meets_3ds_and_another_does_not(merchant):
    for secure, status in ((True, "pending"), (False, "capture")):
        order_id, session = create(merchant, credit_card={"secure": secure})
        merchant.http.post(session["redirect_url"], data={"method": "credit_card"}, auth=None)

        assert merchant.status(order_id)["transaction_status"] == status


def test_dana_is_found_by_its_own_id_and_header_only(merchant, inbox):
    order_id, session = create(merchant, enabled_payments=["dana"])
    merchant.http.post(session["redirect_url"], data={"method": "dana"}, auth=None)
    told = inbox.wait(order_id, "pending")
    path = f"/v2/{told['transaction_id']}/status"

    found = merchant.get(path, transaction_source="SNAP_API")

    assert merchant.status(order_id)["status_code"] == "404"
    assert merchant.get(path)["status_code"] == "404"
    assert (found["status_code"], found["transaction_status"]) == ("200", "PENDING")
    assert found["payment_type"] == "dana"
    assert found["actions"][0]["name"] == "deeplink-redirect"


def test_an_order_charged_by_other_means_is_lost_to_its_page(merchant):
    order_id, session = create(merchant)
    charged = merchant.charge("bca_va", order_id)

    refused = merchant.control("pay", snap_token=session["token"], method="gopay")
    merchant.control("pay", order_id=order_id)

    assert refused["http"] == 409
    assert merchant.status(order_id)["transaction_id"] == charged["transaction_id"]
    assert merchant.status(order_id)["transaction_status"] == "settlement"


def test_a_session_is_cancelled_until_it_is_tried(merchant):
    _, first = create(merchant)
    _, second = create(merchant)
    merchant.control("pay", snap_token=second["token"])
    path = "/snap/v1/transactions/{}/cancel".format

    assert merchant.post(path(first["token"])).keys() == {"canceled_at"}
    for token, message in (
        (first["token"], "token already canceled"),
        (second["token"], "Transaction is on progress"),
        ("nobody", "token not found"),
    ):
        assert merchant.post(path(token))["error_messages"] == [message]
    assert merchant.control("pay", snap_token=first["token"])["http"] == 409


def test_a_page_closes_without_a_word(merchant, inbox):
    wanted = {"duration": 10, "unit": "minutes"}
    order_id, session = create(merchant, page_expiry=wanted)
    merchant.control("clock", advance_seconds=601)

    assert "no longer open" in merchant.http.get(session["redirect_url"], auth=None).text
    assert merchant.control("pay", snap_token=session["token"])["http"] == 409
    assert inbox.bodies(order_id) == []


def test_the_method_expires_as_the_session_says(merchant):
    order_id, session = create(merchant, expiry={"duration": 5, "unit": "minutes"})
    merchant.http.post(session["redirect_url"], data={"method": "bca_va"}, auth=None)
    merchant.control("clock", advance_seconds=301)

    assert merchant.status(order_id)["transaction_status"] == "expire"
