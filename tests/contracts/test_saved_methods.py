"""Saved cards and linked wallets against the simulator: charged without their owners (midtrans.md 4.2, 9)."""

import asyncio

import httpx2
import pytest

from ledger.payments.methods import METHODS
from ledger.providers.midtrans.wallets import TOKEN_TURNED
from ledger.providers.port import NEVER_SEEN, ChargeOrder, ChargeStatus, Did, DidNot, Provider
from support.charges import charge_order
from support.outcomes import refused, seen
from support.simulated_gateway import (
    ACCEPTED_CARD,
    DENIED_CARD,
    SECURE_CARD,
    SERVER_KEY,
    SimulatedGateway,
)

PIN = {"pin": "112233"}
POOR = "8242014881"


def saved_card(gateway: SimulatedGateway, number: str) -> ChargeOrder:
    return charge_order(
        "credit_card", card_token="", saved="card", saved_token=gateway.saved_card(number)
    )


@pytest.fixture
def core(gateway: SimulatedGateway) -> httpx2.Client:
    return httpx2.Client(base_url=gateway.url, auth=(SERVER_KEY, ""), trust_env=False)


def linked(core: httpx2.Client, phone: str = "81234567891") -> tuple[str, str]:
    """Account and token, once its owner has consented."""
    partner = {"phone_number": phone, "country_code": "62"}
    made = core.post("/v2/pay/account", json={"payment_type": "gopay", "gopay_partner": partner})
    core.post(made.json()["actions"][0]["url"], data=PIN)
    account_id = made.json()["account_id"]
    shown = core.get(f"/v2/pay/account/{account_id}").json()
    return account_id, shown["metadata"]["payment_options"][0]["token"]


def wallet(account: tuple[str, str], amount: int = 150_000) -> ChargeOrder:
    account_id, token = account
    return charge_order("gopay", amount, saved="gopay", saved_token=token, account_id=account_id)


@pytest.mark.parametrize("number", [ACCEPTED_CARD, SECURE_CARD])
async def test_a_saved_card_is_captured_without_its_holder(
    midtrans: Provider, gateway: SimulatedGateway, number: str
) -> None:
    order = saved_card(gateway, number)

    captured = seen(await midtrans.charge(order))

    assert (captured.status, captured.amount) == (ChargeStatus.CAPTURED, order.amount)
    assert len(gateway.transactions(order.order_id)) == 1


async def test_a_saved_card_serves_every_month(
    midtrans: Provider, gateway: SimulatedGateway
) -> None:
    first = saved_card(gateway, ACCEPTED_CARD)
    second = charge_order("credit_card", saved="card", saved_token=first.saved_token, card_token="")

    for order in (first, second):
        assert seen(await midtrans.charge(order)).status is ChargeStatus.CAPTURED


async def test_a_bank_that_says_no_is_a_denial_with_its_code(
    midtrans: Provider, gateway: SimulatedGateway
) -> None:
    denied = seen(await midtrans.charge(saved_card(gateway, DENIED_CARD)))

    assert (denied.status, denied.code) == (ChargeStatus.DENIED, "05")


async def test_a_token_that_is_good_no_more_is_refused(midtrans: Provider) -> None:
    order = charge_order(
        "credit_card", card_token="", saved="card", saved_token="48111111sHfRakAvHvFQFEjTivUV1114"
    )

    assert refused(await midtrans.charge(order)).code == "card_token_invalid"
    assert refused(await midtrans.inquire(order.order_id)).code == NEVER_SEEN


@pytest.mark.parametrize(
    "amount", [50_000, 150_000]
)  # from 100,000 on its owner would need the PIN
async def test_a_linked_wallet_is_settled_at_once(
    midtrans: Provider, core: httpx2.Client, amount: int
) -> None:
    account = linked(core)

    settled = seen(await midtrans.charge(wallet(account, amount)))
    again = seen(await midtrans.charge(wallet(account, amount)))

    assert settled.status is again.status is ChargeStatus.SETTLED


async def test_a_wallet_is_charged_with_the_token_of_now_however_often_it_has_rotated(
    midtrans: Provider, core: httpx2.Client
) -> None:
    account = linked(core)
    core.get(f"/v2/pay/account/{account[0]}")

    assert seen(await midtrans.charge(wallet(account))).status is ChargeStatus.SETTLED


@pytest.mark.parametrize("fault", ["hang", "error_500_without_doing", "reset_before", "html_502"])
async def test_an_account_that_cannot_be_looked_at_is_not_charged_and_that_is_proved(
    midtrans: Provider, core: httpx2.Client, gateway: SimulatedGateway, fault: str
) -> None:
    account = linked(core)
    order = wallet(account)
    match = {"order_id_prefix": "", "path_contains": f"/v2/pay/account/{account[0]}"}
    gateway.control("faults", fault=fault, match=match, seconds=30)

    refusal = refused(await midtrans.charge(order))

    assert (refusal.code, refusal.retryable) == ("service_unavailable", True)
    assert gateway.transactions(order.order_id) == []
    assert seen(await midtrans.charge(order)).status is ChargeStatus.SETTLED


async def test_of_two_charges_at_once_the_one_whose_token_was_turned_is_tried_again(
    midtrans: Provider, core: httpx2.Client
) -> None:
    account = linked(core)

    outcomes = await asyncio.gather(*(midtrans.charge(wallet(account)) for _ in range(6)))

    turned = [one for one in outcomes if isinstance(one, DidNot)]
    assert {(one.code, one.retryable) for one in turned} <= {(TOKEN_TURNED, True)}
    assert any(isinstance(one, Did) for one in outcomes)


async def test_an_empty_wallet_is_a_denial_with_its_code(
    midtrans: Provider, core: httpx2.Client
) -> None:
    denied = seen(await midtrans.charge(wallet(linked(core, POOR))))

    assert (denied.status, denied.code) == (ChargeStatus.DENIED, "201")
    assert denied.words


async def test_an_unlinked_wallet_is_refused(midtrans: Provider, core: httpx2.Client) -> None:
    account = linked(core)
    core.post(f"/v2/pay/account/{account[0]}/unbind", json={})

    assert refused(await midtrans.charge(wallet(account))).code == "payer_account_unknown"


async def test_whatever_token_was_saved_it_is_the_account_that_pays(
    midtrans: Provider, core: httpx2.Client
) -> None:
    mixed = linked(core)[0], linked(core, POOR)[1]

    assert seen(await midtrans.charge(wallet(mixed))).status is ChargeStatus.SETTLED


async def test_an_unknown_account_is_refused(midtrans: Provider) -> None:
    assert refused(await midtrans.charge(wallet(("nobody", "token")))).code == (
        "payer_account_unknown"
    )


def test_they_are_charged_by_methods_of_the_catalogue() -> None:
    assert METHODS["credit_card"].mapping.payment_type == "credit_card"
    assert METHODS["gopay"].mapping.payment_type == "gopay"
