"""Notices that the dashboard has other addresses for: of accounts and of subscriptions. midtrans.md 10.6, 10.7."""

import hashlib
from collections.abc import Iterator

import pytest
import requests
from midtransclient import CoreApi

from support.customer import SERVER_KEY
from support.receiver import Receiver, receiver
from support.running import simulator
from support.sdk import Fields, Sandbox, core_api, pointed_at, told


@pytest.fixture(scope="module")
def accounts() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


@pytest.fixture(scope="module")
def recurring() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


@pytest.fixture(scope="module")
def own_simulator(accounts: Receiver, recurring: Receiver) -> Iterator[tuple[str, int]]:
    with simulator(account_url=accounts.url, recurring_url=recurring.url) as started:
        yield started


@pytest.fixture
def sandbox(own_simulator: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    return pointed_at(own_simulator, monkeypatch)


def about(listening: Receiver, account_id: str, status: str) -> list[Fields]:
    posted = [one.fields for one in list(listening.received)]
    return [
        one for one in posted if told(one, "account_id", "account_status") == (account_id, status)
    ]


def linked(core: CoreApi) -> str:
    partner = {
        "phone_number": "81234567891",
        "country_code": "62",
        "redirect_url": "https://a.example",
    }
    made = core.link_payment_account({"payment_type": "gopay", "gopay_partner": partner})
    page = next(one["url"] for one in made["actions"] if one["name"] == "activation-link-url")
    requests.post(page, data={"pin": "112233"}, timeout=10, allow_redirects=False)
    return str(made["account_id"])


@pytest.mark.parametrize(
    ("unlinks", "status", "code"), [(False, "ENABLED", "200"), (True, "DISABLED", "204")]
)
def test_an_account_is_told_of_when_it_is_linked_and_when_it_is_not_any_more(
    core: CoreApi, accounts: Receiver, unlinks: bool, status: str, code: str
):
    """10.7."""
    account_id = linked(core)
    if unlinks:
        core.unlink_payment_account(account_id)

    accounts.eventually(lambda: bool(about(accounts, account_id, status)))

    (notice,) = about(accounts, account_id, status)
    assert told(notice, "payment_type", "status_code") == ("gopay", code)
    assert notice["merchant_id"]


def test_a_notice_of_an_account_is_signed(core: CoreApi, accounts: Receiver):
    """10.7: by a formula that only a third party tells (unverified there)."""
    account_id = linked(core)
    accounts.eventually(lambda: bool(about(accounts, account_id, "ENABLED")))

    (notice,) = about(accounts, account_id, "ENABLED")

    signed = account_id + "ENABLED" + "200" + SERVER_KEY
    assert notice["signature_key"] == hashlib.sha512(signed.encode()).hexdigest()
    assert notice["status_message"] == "Midtrans account_linked notification"


def test_a_new_subscription_is_told_of_as_it_is(core: CoreApi, recurring: Receiver):
    """10.6, creation: the subscription object itself."""
    body = {
        "name": "TOLD",
        "amount": "14000",
        "currency": "IDR",
        "payment_type": "credit_card",
        "token": "48111111sHfRakAvHvFQFEjTivUV1114",
        "schedule": {"interval": 1, "interval_unit": "month", "max_interval": 12},
    }
    made = core_api().create_subscription(body)

    def notices() -> list[Fields]:
        posted = [one.fields for one in list(recurring.received)]
        return [one for one in posted if one.get("id") == made["id"]]

    recurring.eventually(lambda: bool(notices()))

    assert told(notices()[0], "name", "amount", "status") == ("TOLD", "14000", "active")
