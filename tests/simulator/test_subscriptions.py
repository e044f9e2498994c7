"""The Subscription API: terms, answers, errors of its own shape (midtrans.md 1.4, 1.7, 1.8, 8)."""

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.clock import WIB
from simulator.subscription_terms import Unfit, read_new
from simulator.subscriptions import Schedule, later

PATH = "/v1/subscriptions"
AMOUNT = "subscription.amount must be between 0.01 - 99999999999.00"
UPDATED = {"status_message": "Subscription is updated."}


def terms(**changes):
    asked = {
        "name": "MONTHLY_2019",
        "amount": "14000",
        "currency": "IDR",
        "payment_type": "credit_card",
        "token": "436502qFfqfAQKScMtPRPdZDOaeg7199",
        "schedule": {"interval": 1, "interval_unit": "month", "max_interval": 12},
        "metadata": {"description": "Recurring payment for A"},
        "customer_details": {"first_name": "John"},
    }
    return {name: value for name, value in (asked | changes).items() if value is not None}


def create(merchant, **changes):
    reply = merchant.http.post(PATH, json=terms(**changes))
    assert reply.status_code == 200, reply.text
    return reply.json()


def schedule(**changes):
    return {"schedule": {"interval": 1, "interval_unit": "day"} | changes}


def test_a_subscription_is_created_with_a_token_that_nobody_looks_at(merchant):
    made = create(merchant)

    assert made.items() >= terms(schedule=None).items()
    assert made["status"] == "active"
    assert "status_code" not in made
    assert made["retry_schedule"] == {"interval": 1, "interval_unit": "hour", "max_interval": 3}
    assert made["schedule"].items() >= {"current_interval": 0, "max_interval": 12}.items()
    for name in ("start_time", "next_execution_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", made["schedule"][name])


def test_it_begins_one_interval_from_now_unless_said_otherwise(merchant):
    made = create(merchant, **schedule(interval=2, interval_unit="week"))
    begins = datetime.now(WIB).replace(microsecond=0) + timedelta(days=3)
    said = create(merchant, **schedule(start_time=begins.strftime("%Y-%m-%d %H:%M:%S %z")))

    created = datetime.fromisoformat(made["created_at"])
    started = datetime.fromisoformat(made["schedule"]["start_time"])
    assert abs(started - created - timedelta(weeks=2)) <= timedelta(seconds=1)
    assert said["schedule"]["start_time"] == begins.strftime("%Y-%m-%d %H:%M:%S")


INVALID = (
    ({"name": None}, "subscription.name is required"),
    ({"amount": None}, "subscription.amount is required"),
    ({"token": None}, "subscription.token is required"),
    ({"schedule": None}, "subscription.schedule is required"),
    ({"amount": 0}, AMOUNT),
    ({"amount": "0"}, AMOUNT),
    ({"amount": "100000000000"}, AMOUNT),
    ({"amount": "a lot"}, AMOUNT),
    ({"name": "x" * 41}, "subscription.name"),
    ({"payment_type": "bank_transfer"}, "subscription.payment_type"),
    ({"payment_type": "gopay"}, "subscription.gopay.account_id is required"),
    (schedule(interval_unit="hour"), "subscription.schedule.interval_unit"),
    (schedule(start_time="2020-07-22 07:25:01 +0700"), "subscription.schedule.start_time"),
    (
        {"retry_schedule": {"interval": 1, "interval_unit": "day", "max_interval": 4}},
        "subscription.retry_schedule.max_interval",
    ),
    ({"metadata": {"long": "x" * 1024}}, "subscription.metadata"),
)


@pytest.mark.parametrize(("changes", "message"), INVALID)
def test_terms_that_cannot_be_are_refused(merchant, changes, message):
    reply = merchant.http.post(PATH, json=terms(**changes))

    assert reply.status_code == 400
    assert reply.json().keys() == {"status_message", "validation_messages"}
    assert reply.json()["status_message"] == "Invalid parameter."
    assert reply.json()["validation_messages"][0].startswith(message)


@pytest.mark.parametrize("raw", [b"null", b"", b"{"])
def test_no_body_is_a_bad_request(merchant, raw):
    reply = merchant.http.post(PATH, content=raw)

    assert reply.status_code == 400
    assert "Bad request" in reply.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/123"),
        ("PATCH", "/123"),
        ("POST", "/123/enable"),
        ("POST", "/123/disable"),
        ("POST", "/123/cancel"),
    ],
)
def test_an_unknown_subscription_is_404_on_the_wire(merchant, method, path):
    reply = merchant.http.request(method, PATH + path, json=terms())

    assert reply.status_code == 404
    assert reply.json() == {"status_message": "Subscription doesn't exist."}


def test_a_wrong_key_is_unauthorised(merchant):
    assert merchant.http.post(PATH, json=terms(), auth=("abc", "")).status_code == 401


@pytest.mark.parametrize(
    ("acts", "status"),
    [
        (["disable"], "inactive"),
        (["disable", "enable"], "active"),
        (["cancel"], "inactive"),
    ],
)
def test_a_subscription_pauses_and_goes_on(merchant, acts, status):
    one = f"{PATH}/{create(merchant)['id']}"

    said = [merchant.post(f"{one}/{act}", {}) for act in acts]

    assert said == [UPDATED] * len(acts)
    assert merchant.get(one)["status"] == status


def test_a_change_is_seen_and_only_the_interval_of_the_schedule_counts(merchant):
    made = create(merchant)
    one = f"{PATH}/{made['id']}"
    changes = {
        "amount": "20000",
        "metadata": {"description": "update recurring payment to ABC"},
        **schedule(interval=3, interval_unit="day", max_interval=1),
    }

    reply = merchant.http.patch(one, json=terms(**changes))

    seen = merchant.get(one)
    assert (reply.status_code, reply.json()) == (200, UPDATED)
    assert seen["metadata"] == changes["metadata"]
    assert seen["amount"] == "20000"
    assert seen["schedule"] == made["schedule"] | {"interval": 3}


@pytest.mark.parametrize("missing", ["name", "amount", "currency", "token"])
def test_a_change_says_all_that_is_required(merchant, missing):
    one = f"{PATH}/{create(merchant)['id']}"

    reply = merchant.http.patch(one, json=terms(**{missing: None}))

    assert reply.status_code == 400
    assert reply.json()["validation_messages"] == [f"subscription.{missing} is required"]


def test_the_way_of_paying_cannot_change(merchant):
    one = f"{PATH}/{create(merchant)['id']}"

    assert merchant.http.patch(one, json=terms(payment_type="gopay")).status_code == 400


def test_a_key_is_kept_for_three_minutes_and_looked_at_after_the_body(merchant):
    key = {"idempotency_key": merchant.order_id()}
    first = merchant.post(PATH, terms(), **key)
    again = merchant.post(PATH, terms(name="ANOTHER"), **key)
    invalid = merchant.post(PATH, terms(amount=None), **key)
    merchant.control("clock", advance_seconds=181)
    later_on = merchant.post(PATH, terms(), **key)

    assert again == first
    assert invalid["validation_messages"] == ["subscription.amount is required"]
    assert later_on["id"] != first["id"]


BEGUN = datetime(2026, 1, 31, 9, tzinfo=WIB)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine it draws slowly
@given(st.dictionaries(st.sampled_from(sorted(terms())), JUNK, max_size=3))
def test_junk_becomes_a_subscription_or_is_unfit(junk):
    try:
        made = read_new(terms() | junk, BEGUN)
    except Unfit as unfit:
        assert unfit.http_status == 400
    else:
        assert made.view()["id"] == made.id


@given(st.dictionaries(st.sampled_from(["interval", "interval_unit", "start_time"]), JUNK))
def test_a_schedule_of_junk_is_read_or_unfit(junk):
    asked = {"interval": 1, "interval_unit": "day"} | junk
    try:
        made = read_new(terms(schedule=asked, retry_schedule=asked), BEGUN)
    except Unfit as unfit:
        assert unfit.http_status == 400
    else:
        assert made.schedule.next_at > BEGUN


def test_months_keep_their_day_as_far_as_they_have_it():
    moments, moment = [], BEGUN
    for _ in range(13):
        moment = later(moment, 1, "month", BEGUN.day)
        moments.append(f"{moment:%m-%d}")

    assert moments[:4] == ["02-28", "03-31", "04-30", "05-31"]
    assert moments[11:] == ["01-31", "02-28"]


@pytest.mark.parametrize(("wanted", "charges"), [(0, 1), (1, 1), (3, 3)])
def test_a_schedule_ends_after_its_charges(wanted, charges):
    plan = Schedule(1, "day", wanted, BEGUN, BEGUN)
    made = 0
    while plan.next_at:
        plan.count(plan.next_at)
        made += 1

    assert made == charges


def test_a_new_interval_counts_from_the_charge_after_next():
    plan = Schedule(1, "day", None, BEGUN, BEGUN + timedelta(days=1))
    plan.interval = 5
    unchanged = plan.next_at
    plan.count(unchanged)

    assert unchanged == BEGUN + timedelta(days=1)
    assert plan.next_at == BEGUN + timedelta(days=6)
