"""Notices: where they go, how often, and how a test bends them (midtrans.md 1.5, 10)."""

from time import sleep

import pytest

# midtrans.md 10.2: the merchant's answer and how many attempts it brings, with the first one
ATTEMPTS = (
    (200, 1),
    (204, 1),
    (500, 2),
    (503, 5),
    (400, 3),
    (404, 3),
    (301, 1),
    (302, 1),
    (303, 1),
    (502, 6),
    (429, 6),
)


def charge(merchant, inbox, path, name="X-Override-Notification"):
    body = merchant.body()
    headers = {name: f"{inbox.url}{path}"}
    return merchant.http.post("/v2/charge", json=body, headers=headers).json()["order_id"]


def history(merchant, order_id):
    return merchant.get(f"/_control/notices?order_id={order_id}")["notices"]


def over(merchant, order_id):
    """The only notice of this order, when it is delivered or given up."""
    for _ in range(400):
        (notice,) = history(merchant, order_id)
        if notice["state"] in ("delivered", "failed"):
            return notice
        sleep(0.01)
    raise AssertionError(notice)


def test_a_notice_carries_the_documented_headers(merchant, inbox):
    order_id = merchant.charge()["order_id"]
    inbox.wait(order_id, "pending")

    (headers,) = [headers for _, headers, body in inbox.received if body["order_id"] == order_id]
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["user-agent"] == "Veritrans"
    assert lower["accept"] == lower["content-type"] == "application/json"
    assert "authorization" not in lower


@pytest.mark.parametrize(("status", "attempts"), ATTEMPTS)
def test_the_answer_decides_how_often_midtrans_tries(merchant, inbox, status, attempts):
    path = f"/answers-{status}"
    inbox.answers[path] = [status]
    order_id = charge(merchant, inbox, path)

    notice = over(merchant, order_id)

    assert notice["state"] == ("delivered" if status < 300 else "failed")
    assert notice["response_status"] == status
    assert len(notice["attempts"]) == len(inbox.bodies(order_id, path)) == attempts


def test_a_merchant_that_recovers_is_told(merchant, inbox):
    inbox.answers["/recovers"] = [502, 502, 200]
    order_id = charge(merchant, inbox, "/recovers")

    notice = over(merchant, order_id)

    assert [one["status"] for one in notice["attempts"]] == [502, 502, 200]
    assert notice["state"] == "delivered"


@pytest.mark.parametrize("status", [307, 308])
def test_some_redirects_are_followed_with_the_same_body(merchant, inbox, status):
    inbox.answers["/moved"] = [status]
    inbox.location = "/here"
    order_id = charge(merchant, inbox, "/moved")

    assert over(merchant, order_id)["response_status"] == 200
    assert inbox.bodies(order_id, "/here") == inbox.bodies(order_id, "/moved")


def test_nobody_listening_counts_as_no_answer(merchant):
    body = merchant.body()
    headers = {"X-Override-Notification": "http://127.0.0.1:9/none"}
    merchant.http.post("/v2/charge", json=body, headers=headers)

    notice = over(merchant, body["transaction_details"]["order_id"])

    assert [one["status"] for one in notice["attempts"]] == [None] * 6
    assert notice["attempts"][0]["error"] == "ConnectError"


def test_headers_override_or_append_addresses(merchant, inbox):
    override = charge(merchant, inbox, "/override")
    appended = charge(merchant, inbox, "/append", "X-Append-Notification")
    inbox.wait(override, "pending")
    inbox.wait(appended, "pending", "pending")

    assert [bool(inbox.bodies(override, at)) for at in ("/override", "/notices")] == [True, False]
    assert [bool(inbox.bodies(appended, at)) for at in ("/append", "/notices")] == [True, True]
    merchant.control("pay", order_id=override)
    inbox.wait(override, "pending", "settlement")
    assert len(inbox.bodies(override, "/override")) == 2


def test_the_present_notice_is_sent_again_on_request(merchant, inbox):
    order_id = merchant.paid()["order_id"]
    merchant.control("notices", order_id=order_id, times=3)

    inbox.wait(order_id, "pending", *["settlement"] * 4)


@pytest.mark.parametrize(
    ("release", "expected"),
    [({}, ["pending", "settlement"]), ({"order": "reverse"}, ["settlement", "pending"])],
)
def test_held_notices_are_released_in_the_order_asked_for(merchant, inbox, release, expected):
    merchant.control("notices/hold", hold=True)
    order_id = merchant.paid()["order_id"]
    silent = inbox.statuses(order_id)
    states = [one["state"] for one in history(merchant, order_id)]
    released = merchant.control("notices/hold", hold=False, **release)

    inbox.wait(order_id, *expected)
    assert silent == []
    assert states == ["held", "held"]
    assert released["released"] == 2
    assert inbox.statuses(order_id) == expected


def test_held_notices_can_be_lost(merchant, inbox):
    merchant.control("notices/hold", hold=True)
    lost = merchant.paid()["order_id"]
    merchant.control("notices/hold", hold=False, drop=True)
    order_id = merchant.charge()["order_id"]

    inbox.wait(order_id, "pending")
    assert inbox.bodies(lost) == []
    assert [one["state"] for one in history(merchant, lost)] == ["dropped", "dropped"]
