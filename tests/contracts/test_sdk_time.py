"""What time does to payments, tokens, keys and subscriptions, seen through the gateway's own package. The simulator
is this module's own, because its clock is put forward. midtrans.md 1.4, 1.6, 8, 9, 11.3 and 11.4.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from midtransclient import CoreApi

from support.receiver import Receiver, receiver
from support.running import simulator
from support.sdk import (
    ACCEPTED_CARD,
    SECURE_CARD,
    Fields,
    Sandbox,
    bca_order,
    captured,
    card,
    card_order,
    codes,
    core_api,
    new_id,
    order,
    pointed_at,
    refusal,
    token,
    told,
)

MINUTE, HOUR, DAY = 60, 3_600, 86_400
HAPPENS_WITHIN_SECONDS = 20.0


@pytest.fixture(scope="module")
def own_simulator() -> Iterator[tuple[str, int]]:
    with simulator() as started:
        yield started


@pytest.fixture
def sandbox(own_simulator: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """In place of the one that all share."""
    return pointed_at(own_simulator, monkeypatch)


def pass_time(sandbox: Sandbox, seconds: float) -> None:
    sandbox.act("clock", advance_seconds=seconds)


def eventually(happened: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + HAPPENS_WITHIN_SECONDS
    while not happened():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def status(core: CoreApi, order_id: str) -> str:
    return str(core.transactions.status(order_id)["transaction_status"])


# ── payments ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (bca_order(), DAY),
        (order("gopay"), 15 * MINUTE),
        (order("ovo", ovo={"payer_phone_number": "081111111111"}), 65),
        (bca_order(custom_expiry={"expiry_duration": 2, "unit": "hour"}), 2 * HOUR),
    ],
    ids=["va", "gopay", "ovo", "custom"],
)
def test_a_payment_that_nobody_makes_expires_in_its_time(
    core: CoreApi, sandbox: Sandbox, body: Fields, seconds: int
):
    """11.4 and 3, custom_expiry; 6: then it is found with 407."""
    order_id = core.charge(body)["order_id"]

    pass_time(sandbox, seconds - 10)
    assert status(core, order_id) == "pending"
    pass_time(sandbox, 11)

    eventually(lambda: status(core, order_id) == "expire")
    assert core.transactions.status(order_id)["status_code"] == "407"


def test_a_cardholder_has_ten_minutes_for_the_challenge(core: CoreApi, sandbox: Sandbox):
    """11.4, 3DS pending."""
    order_id = core.charge(card_order(token(core, SECURE_CARD), authentication=True))["order_id"]

    pass_time(sandbox, 10 * MINUTE + 1)

    eventually(lambda: status(core, order_id) != "pending")
    assert sandbox.refuses("pay", order_id=order_id)


def test_a_captured_card_is_settled_by_the_next_days(core: CoreApi, sandbox: Sandbox):
    """11.3, settlement timing: by batch, on the same or the next day."""
    order_id = captured(core)

    pass_time(sandbox, 2 * DAY)

    eventually(lambda: status(core, order_id) == "settlement")


def test_an_authorization_that_is_not_captured_is_let_go(core: CoreApi, sandbox: Sandbox):
    """4.2, pre-auth; 20: recorded as cancel or as expire, after eight days at the latest."""
    made = core.charge(card_order(token(core), type="authorize"))

    pass_time(sandbox, 6 * DAY)
    assert status(core, made["order_id"]) == "authorize"
    pass_time(sandbox, 2 * DAY + 1)

    eventually(lambda: status(core, made["order_id"]) in ("cancel", "expire"))
    assert codes(refusal(core.capture, {"transaction_id": made["transaction_id"]})) == (200, "412")


# ── tokens and keys ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_card_token_lives_three_minutes(core: CoreApi, sandbox: Sandbox):
    """1.6; 4.2: an expired one is 411."""
    young, old = token(core), token(core)

    pass_time(sandbox, 2 * MINUTE)
    assert core.charge(card_order(young))["transaction_status"] == "capture"
    pass_time(sandbox, MINUTE + 1)

    assert codes(refusal(core.charge, card_order(old))) == (200, "411")


def test_a_saved_card_outlives_its_token(core: CoreApi, sandbox: Sandbox):
    """4.2: a saved token is good until the card's own end."""
    saved = core.card_register(card(SECURE_CARD))["saved_token_id"]

    pass_time(sandbox, 30 * DAY)

    assert core.charge(card_order(saved))["transaction_status"] == "capture"


def test_a_key_is_forgotten_after_five_minutes(sandbox: Sandbox):
    """1.4, lifetime; after expiry a repeated charge gives 406."""
    once, body = core_api({"Idempotency-Key": new_id("key")}), bca_order()
    made = once.charge(body)

    pass_time(sandbox, 4 * MINUTE)
    assert once.charge(body) == made
    pass_time(sandbox, MINUTE + 1)

    assert codes(refusal(once.charge, body)) == (200, "406")


def test_a_subscriptions_key_is_forgotten_after_three_minutes(sandbox: Sandbox):
    """1.4, lifetime."""
    once = core_api({"Idempotency-Key": new_id("key")})
    made = once.create_subscription(subscription("a token"))

    pass_time(sandbox, 2 * MINUTE)
    assert once.create_subscription(subscription("a token"))["id"] == made["id"]
    pass_time(sandbox, MINUTE + 1)

    assert once.create_subscription(subscription("a token"))["id"] != made["id"]


def test_the_links_to_an_account_are_good_for_five_minutes(core: CoreApi, sandbox: Sandbox):
    """1.6, GoPay tokenization links; 9: the account is never enabled."""
    partner = {
        "phone_number": "81234567891",
        "country_code": "62",
        "redirect_url": "https://a.example",
    }
    made = core.link_payment_account({"payment_type": "gopay", "gopay_partner": partner})
    page = next(one["url"] for one in made["actions"] if one["name"] == "activation-link-url")

    pass_time(sandbox, 5 * MINUTE + 1)
    requests.post(page, data={"pin": "112233"}, timeout=10, allow_redirects=False)

    assert core.get_payment_account(made["account_id"])["account_status"] in ("PENDING", "EXPIRED")


# ── subscriptions ─────────────────────────────────────────────────────────────────────────────────────────────────


def subscription(saved: str, **changed: Any) -> Fields:
    return {
        "name": new_id("DAILY")[:20],
        "amount": "14000",
        "currency": "IDR",
        "payment_type": "credit_card",
        "token": saved,
        "schedule": {"interval": 1, "interval_unit": "day", "max_interval": 7},
        **changed,
    }


@pytest.fixture
def saved(core: CoreApi) -> str:
    return str(core.card_register(card(ACCEPTED_CARD))["saved_token_id"])


def charges(core: CoreApi, subscription_id: str) -> list[str]:
    return list(core.get_subscription(subscription_id).get("transaction_ids") or [])


def test_a_subscription_charges_once_an_interval(core: CoreApi, sandbox: Sandbox, saved: str):
    """8: first after one interval, then again; GET lists what it led to, which are payments like others."""
    made = core.create_subscription(subscription(saved))

    pass_time(sandbox, DAY + 1)
    eventually(lambda: len(charges(core, made["id"])) == 1)
    pass_time(sandbox, DAY)
    eventually(lambda: len(charges(core, made["id"])) == 2)

    paid = core.transactions.status(charges(core, made["id"])[0])
    assert told(paid, "gross_amount", "payment_type") == ("14000.00", "credit_card")
    assert paid["transaction_status"] in ("capture", "settlement")
    assert re.fullmatch(rf"{made['name']}.?[A-Za-z0-9-]{{32}}", paid["order_id"])


def test_a_subscription_counts_its_charges(core: CoreApi, sandbox: Sandbox, saved: str):
    """8 and 10.6: `schedule` tells which one was the last, and when the next will be."""
    made = core.create_subscription(subscription(saved))

    pass_time(sandbox, DAY + 1)
    eventually(lambda: len(charges(core, made["id"])) == 1)

    schedule = core.get_subscription(made["id"])["schedule"]
    assert schedule["current_interval"] == 1
    assert schedule["previous_execution_at"]
    assert schedule["next_execution_at"] > made["schedule"]["next_execution_at"]


def test_a_paused_subscription_charges_nothing(core: CoreApi, sandbox: Sandbox, saved: str):
    """8, disable; another one, left running, shows that the time has come."""
    paused, other = (core.create_subscription(subscription(saved)) for _ in range(2))
    core.disable_subscription(paused["id"])

    pass_time(sandbox, DAY + 1)
    eventually(lambda: len(charges(core, other["id"])) == 1)

    assert charges(core, paused["id"]) == []


def test_a_resumed_subscription_charges_again(core: CoreApi, sandbox: Sandbox, saved: str):
    """8, enable."""
    made = core.create_subscription(subscription(saved))
    core.disable_subscription(made["id"])
    core.enable_subscription(made["id"])

    pass_time(sandbox, DAY + 1)

    eventually(lambda: len(charges(core, made["id"])) == 1)


def test_a_subscription_ends_with_its_last_charge(core: CoreApi, sandbox: Sandbox, saved: str):
    """8, `max_interval`: the count of charges; an endless one shows that the time has come."""
    once = {"interval": 1, "interval_unit": "day", "max_interval": 1}
    endless = {"interval": 1, "interval_unit": "day"}
    made = core.create_subscription(subscription(saved, schedule=once))
    other = core.create_subscription(subscription(saved, schedule=endless))

    for count in (1, 2, 3):
        pass_time(sandbox, DAY + 1)
        eventually(lambda count=count: len(charges(core, other["id"])) == count)

    assert len(charges(core, made["id"])) == 1


def test_a_changed_amount_is_what_is_charged(core: CoreApi, sandbox: Sandbox, saved: str):
    """8, PATCH."""
    made = core.create_subscription(subscription(saved))
    kept = {name: made[name] for name in ("name", "currency", "token")}
    core.update_subscription(made["id"], kept | {"amount": "15000"})

    pass_time(sandbox, DAY + 1)
    eventually(lambda: len(charges(core, made["id"])) == 1)

    paid = core.transactions.status(charges(core, made["id"])[0])
    assert paid["gross_amount"] == "15000.00"


def test_a_subscription_that_cannot_charge_gives_up_after_its_retries(
    core: CoreApi, sandbox: Sandbox
):
    """8: by default three retries, hourly; after exhausted retries it is inactive."""
    made = core.create_subscription(subscription("48111111sHfRakAvHvFQFEjTivUV1114"))

    pass_time(sandbox, DAY + 1)
    for _ in range(2):
        pass_time(sandbox, HOUR + 1)
    time.sleep(0.2)
    assert core.get_subscription(made["id"])["status"] == "active"
    pass_time(sandbox, HOUR + 1)

    eventually(lambda: core.get_subscription(made["id"])["status"] == "inactive")
    assert charges(core, made["id"]) == []


# ── and what is told of them ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def recurring(sandbox: Sandbox) -> Iterator[Receiver]:
    """Without a URL of their own, subscriptions are told of where payments are (10.6)."""
    with receiver(sandbox.notify_port) as listening:
        yield listening


def events(listening: Receiver, subscription_id: str) -> list[Fields]:
    posted = [one.fields for one in list(listening.received)]
    return [one for one in posted if one.get("subscription", {}).get("id") == subscription_id]


def test_a_cycle_that_was_paid_is_told_of_once(
    core: CoreApi, sandbox: Sandbox, saved: str, recurring: Receiver
):
    """10.6: beside the payment's own notice; no signature is on it."""
    made = core.create_subscription(subscription(saved))
    pass_time(sandbox, DAY + 1)
    recurring.eventually(lambda: bool(events(recurring, made["id"])))

    (event,) = events(recurring, made["id"])
    assert event["event_name"] == "subscription.charge"
    assert told(event["transaction"], "status_code", "transaction_status") == ("200", "capture")
    assert told(event["subscription"], "status", "amount", "name") == (
        "active",
        "14000",
        made["name"],
    )
    assert "signature_key" not in event
    paid = core.transactions.status(event["transaction"]["transaction_id"])
    assert paid["gross_amount"] == "14000.00"
    recurring.eventually(lambda: bool(recurring.about(paid["order_id"])))


def test_a_cycle_that_failed_is_told_of_after_its_last_retry(
    core: CoreApi, sandbox: Sandbox, recurring: Receiver
):
    """10.6: with the code of a dead token, and the subscription as it is then."""
    made = core.create_subscription(subscription("48111111sHfRakAvHvFQFEjTivUV1114"))

    pass_time(sandbox, DAY + 1)
    for _ in range(3):
        time.sleep(0.2)
        assert events(recurring, made["id"]) == []
        pass_time(sandbox, HOUR + 1)
    recurring.eventually(lambda: bool(events(recurring, made["id"])))

    (event,) = events(recurring, made["id"])
    assert told(event["transaction"], "status_code", "status_message") == (
        "411",
        "Token id is missing, invalid, or timed out",
    )
    assert event["subscription"]["status"] == "inactive"
