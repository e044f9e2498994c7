"""What a subscription charges, when, and whom it tells (midtrans.md 8, 10.6)."""

import re

import pytest

PATH = "/v1/subscriptions"
DAY, HOUR = 86_400, 3_600
GOOD, POOR = "4811111111111114", "4911111111111113"


@pytest.fixture(autouse=True)
def frozen(merchant):
    merchant.control("clock", frozen=True)
    yield
    merchant.control("clock", frozen=False)


def saved(merchant, number):
    query = {
        "client_key": "SB-Mid-client-test",
        "card_number": number,
        "card_exp_month": "12",
        "card_exp_year": "2099",
    }
    return merchant.http.get("/v2/card/register", params=query).json()["saved_token_id"]


def subscribe(merchant, token, **changes):
    asked = {
        "name": "DAILY",
        "amount": "14000",
        "currency": "IDR",
        "payment_type": "credit_card",
        "token": token,
        "schedule": {"interval": 1, "interval_unit": "day", "max_interval": 3},
        "metadata": {"plan": "A"},
    }
    return merchant.post(PATH, asked | changes)["id"]


def passes(merchant, seconds):
    merchant.control("clock", advance_seconds=seconds)


def read(merchant, subscription_id):
    return merchant.get(f"{PATH}/{subscription_id}")


def about(subscription_id):
    return lambda body: body.get("subscription", {}).get("id") == subscription_id


def told(inbox, subscription_id):
    return inbox.told("/recurring", about(subscription_id))


def wait_told(inbox, subscription_id, times):
    return inbox.wait_told("/recurring", about(subscription_id), times)


def test_its_beginning_is_told_with_the_subscription_itself(merchant, inbox):
    made = subscribe(merchant, "dummy")

    (body,) = inbox.wait_told("/recurring", lambda body: body.get("id") == made)
    assert body["status"] == "active"
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", body["schedule"]["next_execution_at"]
    )


def test_each_cycle_charges_really_and_is_told_once(merchant, inbox):
    made = subscribe(merchant, saved(merchant, GOOD))
    passes(merchant, DAY)

    (body,) = wait_told(inbox, made, 1)
    seen = read(merchant, made)
    status = merchant.status(seen["transaction_ids"][0])
    assert body["event_name"] == "subscription.charge"
    assert body["transaction"]["transaction_status"] == "capture"
    assert body["transaction"]["status_code"] == "200"
    assert body["transaction"]["transaction_id"] == status["transaction_id"]
    assert body["subscription"]["schedule"]["current_interval"] == 1
    assert body["subscription"]["merchant_id"] == "G141532850"
    assert "signature_key" not in body
    assert (status["gross_amount"], status["payment_type"]) == ("14000.00", "credit_card")
    assert re.fullmatch(r"DAILY\w{32}", status["order_id"])
    assert inbox.wait(status["order_id"], "capture")["metadata"] == {"plan": "A"}


def test_it_ends_after_its_charges(merchant, inbox):
    made = subscribe(merchant, saved(merchant, GOOD))
    for _ in range(5):
        passes(merchant, DAY)

    wait_told(inbox, made, 3)
    seen = read(merchant, made)
    assert len(seen["transaction_ids"]) == seen["schedule"]["current_interval"] == 3
    assert (seen["status"], seen["schedule"].get("next_execution_at")) == ("inactive", None)


def test_a_long_leap_of_the_clock_makes_up_for_each_cycle(merchant, inbox):
    made = subscribe(merchant, saved(merchant, GOOD))
    passes(merchant, 10 * DAY)

    assert len(read(merchant, made)["transaction_ids"]) == 3
    wait_told(inbox, made, 3)


def test_a_refused_card_is_tried_thrice_more_each_hour_and_then_told(merchant, inbox):
    made = subscribe(merchant, saved(merchant, POOR))
    attempts = []
    for seconds in (DAY, HOUR, HOUR, HOUR - 1):
        passes(merchant, seconds)
        attempts.append(len(read(merchant, made)["transaction_ids"]))
    untold = told(inbox, made)
    passes(merchant, 1)

    (body,) = wait_told(inbox, made, 1)
    assert attempts == [1, 2, 3, 3]
    assert untold == []
    assert body["transaction"]["transaction_status"] == "deny"
    assert body["subscription"]["status"] == read(merchant, made)["status"] == "inactive"


def test_retries_follow_the_merchants_own_plan(merchant, inbox):
    none = {"interval": 1, "interval_unit": "day", "max_interval": 0}
    made = subscribe(merchant, saved(merchant, POOR), retry_schedule=none)
    passes(merchant, DAY)

    wait_told(inbox, made, 1)
    assert len(read(merchant, made)["transaction_ids"]) == 1


def test_a_token_that_stands_for_no_card_makes_no_transaction(merchant, inbox):
    made = subscribe(merchant, "dummy")
    passes(merchant, DAY + 3 * HOUR)

    (body,) = wait_told(inbox, made, 1)
    assert body["transaction"] == {
        "status_code": "411",
        "status_message": "Token id is missing, invalid, or timed out",
    }
    assert read(merchant, made)["transaction_ids"] == []


@pytest.mark.parametrize(("act", "attempts"), [("disable", 4), ("cancel", 1)])
def test_a_pause_leaves_retries_running_and_a_cancellation_does_not(merchant, act, attempts):
    made = subscribe(merchant, saved(merchant, POOR))
    passes(merchant, DAY)
    merchant.post(f"{PATH}/{made}/{act}", {})
    passes(merchant, 5 * HOUR)

    assert len(read(merchant, made)["transaction_ids"]) == attempts


def test_what_fell_into_a_pause_is_not_charged_afterwards(merchant):
    made = subscribe(merchant, saved(merchant, GOOD))
    merchant.post(f"{PATH}/{made}/disable", {})
    passes(merchant, DAY + HOUR)
    merchant.post(f"{PATH}/{made}/enable", {})
    paused = read(merchant, made)["transaction_ids"]
    passes(merchant, DAY - HOUR)

    assert paused == []
    assert len(read(merchant, made)["transaction_ids"]) == 1


def test_a_new_start_revives_one_that_has_run_out(merchant):
    once = {"interval": 1, "interval_unit": "day", "max_interval": 0}
    made = subscribe(merchant, saved(merchant, GOOD), schedule=once)
    passes(merchant, DAY)
    ended = read(merchant, made)
    now = merchant.get("/_control/clock")["wib"]
    begins = f"{int(now[:4]) + 1}{now[4:8]}01 10:00:00 +0700"
    again = {name: ended[name] for name in ("name", "amount", "currency", "token")}
    merchant.http.patch(f"{PATH}/{made}", json=again | {"schedule": once | {"start_time": begins}})

    revived = read(merchant, made)
    assert (ended["status"], revived["status"]) == ("inactive", "active")
    assert revived["schedule"]["next_execution_at"] == begins[:19]


def test_a_linked_wallet_is_charged_without_a_pin(merchant, inbox):
    partner = {"phone_number": "81234567891", "country_code": "62", "redirect_url": "https://shop"}
    account = merchant.post("/v2/pay/account", {"payment_type": "gopay", "gopay_partner": partner})[
        "account_id"
    ]
    merchant.control("accounts/link", account_id=account)
    options = merchant.get(f"/v2/pay/account/{account}")["metadata"]["payment_options"]
    made = subscribe(
        merchant,
        options[0]["token"],
        payment_type="gopay",
        gopay={"account_id": account},
        amount="150000",
    )
    merchant.get(f"/v2/pay/account/{account}")  # the token turns, and the gateway knows its own
    passes(merchant, 2 * DAY)

    wait_told(inbox, made, 2)
    ids = read(merchant, made)["transaction_ids"]
    assert [merchant.status(one)["transaction_status"] for one in ids] == ["settlement"] * 2
