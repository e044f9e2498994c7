"""Cancel, expire, refund, in every state (midtrans.md 6, 11.3, 17)."""

import pytest

from simulator.signature import sign

# What brings an order into each state.
BRING = {
    "pending": lambda m: m.charge("gopay")["order_id"],
    "capture": lambda m: m.charge_card("4811111111111114")["order_id"],
    "authorize": lambda m: m.charge_card("4811111111111114", type="authorize")["order_id"],
    "settlement": lambda m: m.paid("gopay")["order_id"],
    "deny": lambda m: after(m, lambda order: m.control("deny", order_id=order)),
    "cancel": lambda m: after(m, lambda order: m.post(f"/v2/{order}/cancel")),
    "expire": lambda m: after(m, lambda order: m.control("expire", order_id=order)),
    "refund": lambda m: after(m, lambda order: refunded(m, order)),
    "partial_refund": lambda m: after(m, lambda order: refunded(m, order, amount=1)),
}
# midtrans.md 6 and 10.4: state, status code of an inquiry, status code of its notice
CODES = (
    ("pending", "201", "201"),
    ("capture", "200", "200"),
    ("authorize", "200", "200"),
    ("settlement", "200", "200"),
    ("refund", "200", "200"),
    ("partial_refund", "200", "200"),
    ("cancel", "200", "202"),
    ("expire", "407", "202"),
    ("deny", "202", "202"),
)
ALLOWED = {
    "cancel": ("pending", "capture", "authorize"),
    "expire": ("pending",),
    "refund": ("settlement", "partial_refund"),
    "approve": (),
    "deny": (),
}
SUCCESS = {
    "cancel": ("200", "Success, transaction is canceled"),
    "expire": ("407", "Success, transaction has expired"),
    "refund": ("200", "Success, refund request is approved"),
}


def after(merchant, act):
    order_id = merchant.charge("gopay")["order_id"]
    act(order_id)
    return order_id


def refunded(merchant, order_id, **body):
    merchant.control("pay", order_id=order_id)
    merchant.post(f"/v2/{order_id}/refund", body)


@pytest.mark.parametrize(("state", "inquiry", "notice"), CODES)
def test_status_codes_of_inquiry_and_notice_differ_as_documented(
    merchant, inbox, state, inquiry, notice
):
    order_id = BRING[state](merchant)

    asked = merchant.http.get(f"/v2/{order_id}/status")
    body = asked.json()
    told = inbox.wait_for(order_id, state)
    assert asked.status_code == 200
    assert (body["transaction_status"], body["status_code"]) == (state, inquiry)
    assert told["status_code"] == notice
    for one in (body, told):
        signed = sign(order_id, one["status_code"], one["gross_amount"], "SB-Mid-server-test")
        assert one["signature_key"] == signed


@pytest.mark.parametrize("state", BRING)
@pytest.mark.parametrize("action", ALLOWED)
def test_an_action_is_allowed_in_the_documented_states_only(merchant, state, action):
    order_id = BRING[state](merchant)

    reply = merchant.http.post(f"/v2/{order_id}/{action}", json={})

    body = reply.json()
    assert reply.status_code == 200
    if state in ALLOWED[action]:
        assert (body["status_code"], body["status_message"]) == SUCCESS[action]
    else:
        assert body["status_code"] == "412"
        assert body["status_message"] == "Transaction status cannot be updated."


@pytest.mark.parametrize(
    "path", ["cancel", "expire", "approve", "deny", "refund", "refund/online/direct", "status"]
)
def test_an_unknown_id_is_not_found(merchant, path):
    ask = merchant.http.get if path == "status" else merchant.http.post

    assert ask(f"/v2/nobody/{path}").json()["status_code"] == "404"


@pytest.mark.parametrize("method", ["permata_va", "echannel", "indomaret"])
def test_some_settlements_can_be_reversed_by_the_bank(merchant, inbox, method):
    order_id = merchant.paid(method)["order_id"]

    merchant.control("reverse", order_id=order_id)

    assert inbox.wait(order_id, "pending", "settlement", "deny")["status_code"] == "202"


def test_other_settlements_are_reversed_by_force_only(merchant):
    order_id = merchant.paid("bca_va")["order_id"]

    assert merchant.control("reverse", order_id=order_id)["http"] == 409
    assert merchant.control("reverse", order_id=order_id, force=True)["http"] == 200
