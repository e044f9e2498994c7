"""The subscriptions of the gateway's own package, as far as no time passes. midtrans.md 8 and 18.3."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from midtransclient import CoreApi, MidtransAPIError

from support.sdk import Fields, card, new_id, refusal, told

RANGE = "subscription.amount must be between 0.01 - 99999999999.00"
UPDATED = "Subscription is updated."
SAVED = "48111111sHfRakAvHvFQFEjTivUV1114"  # its form is right, but nobody saved it


def subscription(**changed: Any) -> Fields:
    return {
        "name": "SUBSCRIPTION_TEST",
        "amount": "100000",
        "currency": "IDR",
        "payment_type": "credit_card",
        "token": SAVED,
        "schedule": {"interval": 1, "interval_unit": "day", "max_interval": 7},
        "metadata": {"description": "Recurring payment for A"},
        "customer_details": {
            "first_name": "Budi",
            "last_name": "Utomo",
            "email": "budi@example.com",
            "phone": "+62812345678",
        },
        **changed,
    }


@pytest.fixture
def made(core: CoreApi) -> Fields:
    return dict(core.create_subscription(subscription()))


def test_a_subscription_begins_active(made: Fields):
    """18.3, subscription create: some saved token; it is not looked at until it is charged (8)."""
    assert made["id"]
    assert made["status"] == "active"
    assert "status_code" not in made


def test_a_subscription_with_a_card_that_was_saved_begins_active(core: CoreApi):
    """18.3, subscription create."""
    saved = core.card_register(card("4811 1111 1111 1114"))["saved_token_id"]

    answer = core.create_subscription(subscription(token=saved))

    assert told(answer, "status", "token") == ("active", saved)


def test_what_was_asked_for_is_told(made: Fields):
    """8, create response."""
    asked = subscription()
    same = ("name", "amount", "currency", "payment_type", "token", "metadata", "customer_details")

    assert told(made, *same) == told(asked, *same)
    assert asked["schedule"].items() <= made["schedule"].items()
    assert datetime.fromisoformat(made["created_at"])


def test_unless_asked_it_first_charges_after_one_interval(made: Fields):
    """8, `schedule.start_time`."""
    created, starts = (
        datetime.fromisoformat(text)
        for text in (made["created_at"], made["schedule"]["start_time"])
    )

    assert abs(starts - created - timedelta(days=1)) < timedelta(minutes=1)
    assert made["schedule"]["next_execution_at"]


def test_unless_asked_it_retries_three_times_hourly(made: Fields):
    """8, `retry_schedule`, default."""
    assert told(made["retry_schedule"], "interval", "interval_unit", "max_interval") == (
        1,
        "hour",
        3,
    )


def test_a_retry_schedule_of_the_merchant_is_kept(core: CoreApi):
    """8, `retry_schedule`."""
    asked = {"interval": 2, "interval_unit": "day", "max_interval": 1}

    answer = core.create_subscription(subscription(retry_schedule=asked))

    assert asked.items() <= answer["retry_schedule"].items()


def test_a_subscription_is_found_by_its_id(core: CoreApi, made: Fields):
    """18.3, get; 8: with the transactions that it has led to."""
    found = core.get_subscription(made["id"])

    same = ("id", "name", "amount", "currency", "status", "token", "metadata", "schedule")
    assert told(found, *same) == told(made, *same)
    assert not found.get("transaction_ids")


def test_one_name_may_be_used_again(core: CoreApi, made: Fields):
    """8, `name`: that it has to be unique is said by one weak source only."""
    assert core.create_subscription(subscription())["id"] != made["id"]


def test_it_is_paused_and_resumed(core: CoreApi, made: Fields):
    """18.3, disable and enable: the exact message, and the status toggles."""
    assert core.disable_subscription(made["id"])["status_message"] == UPDATED
    assert core.get_subscription(made["id"])["status"] == "inactive"

    assert core.enable_subscription(made["id"])["status_message"] == UPDATED
    assert core.get_subscription(made["id"])["status"] == "active"


def test_it_is_changed_for_good(core: CoreApi, made: Fields):
    """18.3, update: the exact message, and the change of `metadata.description` shows; 8: of the amount too."""
    changed = subscription(amount="150000", metadata={"description": "Recurring payment for B"})

    answer = core.update_subscription(made["id"], changed)

    assert answer == {"status_message": UPDATED}
    found = core.get_subscription(made["id"])
    assert found["metadata"]["description"] == "Recurring payment for B"
    assert told(found, "id", "amount", "status") == (made["id"], "150000", "active")


def test_a_change_without_a_schedule_leaves_the_schedule(core: CoreApi, made: Fields):
    """8, PATCH: four fields are required, the rest may be left out."""
    required = {name: made[name] for name in ("name", "amount", "currency", "token")}

    core.update_subscription(made["id"], required)

    assert core.get_subscription(made["id"])["schedule"] == made["schedule"]


@pytest.mark.parametrize("missing", ["name", "amount", "currency", "token"])
def test_a_change_says_all_that_it_must(core: CoreApi, made: Fields, missing: str):
    """8, PATCH: required."""
    body = {name: made[name] for name in ("name", "amount", "currency", "token")}
    del body[missing]

    assert refusal(core.update_subscription, made["id"], body).http_status_code == 400


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_subscription_to_nothing_is_a_bad_request(core: CoreApi):
    """18.3, subscription null body."""
    error = refusal(core.create_subscription, None)

    assert "400" in str(error) and "Bad request" in str(error)
    assert error.http_status_code == 400


@pytest.mark.parametrize("amount", [0, "0", "0.00", "100000000000"], ids=repr)
def test_an_amount_is_within_its_range(core: CoreApi, amount: Any):
    """18.3, subscription amount 0; 8: the exact range message; 1.8 has the shape."""
    error = refusal(core.create_subscription, subscription(amount=amount))

    assert "400" in str(error) and RANGE in str(error)
    assert error.http_status_code == 400
    assert RANGE in error.api_response_dict["validation_messages"]
    assert "status_code" not in error.api_response_dict


@pytest.mark.parametrize(
    "changed",
    [
        {"schedule": {"interval": 1, "interval_unit": "year", "max_interval": 7}},
        {"retry_schedule": {"interval": 1, "interval_unit": "day", "max_interval": 4}},
        {"name": "n" * 41},
    ],
    ids=["a unit", "many retries", "a long name"],
)
def test_a_schedule_and_a_name_are_within_their_bounds(core: CoreApi, changed: Fields):
    """8, the table of fields."""
    assert refusal(core.create_subscription, subscription(**changed)).http_status_code == 400


def test_it_cannot_have_begun_already(core: CoreApi):
    """8, `schedule.start_time`; 20: of two readings the one that charges nobody at once."""
    schedule = subscription()["schedule"] | {"start_time": "2020-07-22 07:25:01 +0700"}

    assert (
        refusal(core.create_subscription, subscription(schedule=schedule)).http_status_code == 400
    )


@pytest.mark.parametrize("amount", ["", None])
def test_an_amount_is_required(core: CoreApi, amount: Any):
    """1.8, the sample of this API's errors."""
    body = subscription(amount=amount)
    if amount is None:
        del body["amount"]

    error = refusal(core.create_subscription, body)

    assert error.http_status_code == 400
    assert any(
        "subscription.amount" in one for one in error.api_response_dict["validation_messages"]
    )


CALLS = ("get_subscription", "disable_subscription", "enable_subscription")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("unknown", ["123", new_id()], ids=["123", "another"])
def test_one_that_nobody_made_is_not_found(core: CoreApi, call: str, unknown: str):
    """18.3, not found: HTTP has to say it, because the body has no status code."""
    missing(refusal(getattr(core, call), unknown))


def test_one_that_nobody_made_is_not_changed(core: CoreApi):
    """8, missing."""
    missing(refusal(core.update_subscription, "123", subscription()))


def missing(error: MidtransAPIError) -> None:
    assert "404" in str(error) and "Subscription doesn't exist." in str(error)
    assert error.http_status_code == 404
    assert error.api_response_dict == {"status_message": "Subscription doesn't exist."}
