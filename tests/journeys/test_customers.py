"""Customers over HTTP: known, changed, charged by what they saved."""

import httpx2
import pytest

from support.customer import (
    ACCEPTED_CARD,
    DENIED_CARD,
    SECURE_CARD,
    Caller,
    Fields,
    Gateway,
    eventually,
    new_key,
)
from support.running import Running, running

CUSTOMERS = "/api/v1/customers"
SITI: Fields = {
    "language": "en",
    "name": "Siti Rahayu",
    "email": "siti@example.id",
    "phone": "0812-3456-7890",
    "npwp": "3578014107950001",
    "address": "Jl. Merdeka 1\nSurabaya",
}
KNOWN = SITI | {"phone": "+6281234567890"}
CANARIES = ("Rahayu", "example.id", "81234567890", "3578014107950001", "Merdeka")


def told(answer: httpx2.Response, status: int = 200) -> Fields:
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def refused(answer: httpx2.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}"), answer.text
    assert not [one for one in CANARIES if one in answer.text]


async def registered(shop: Caller, **said: str) -> str:
    """Its address."""
    made = told(await shop.post(CUSTOMERS, SITI | said), 201)
    return f"{CUSTOMERS}/{made['customerId']}"


async def with_card(shop: Caller, gateway: Gateway, number: str = SECURE_CARD) -> tuple[str, str]:
    """The customer's address, and the method's id."""
    customer = await registered(shop)
    card = {
        "kind": "card",
        "token": await gateway.saved_card(number),
        "masked": f"{number[:8]}-{number[-4:]}",
        "expiresOn": "2099-12",
    }
    saved = told(await shop.post(f"{customer}/payment-methods", card), 201)
    return customer, saved["methodId"]


async def with_wallet(
    shop: Caller, gateway: Gateway, phone: str = "81234567891"
) -> tuple[str, str]:
    customer = await registered(shop)
    account_id, token = await gateway.linked_wallet(phone)
    wallet = {"kind": "gopay", "accountId": account_id, "token": token}
    saved = told(await shop.post(f"{customer}/payment-methods", wallet), 201)
    return customer, saved["methodId"]


def buying(customer: str, method_id: str) -> Fields:
    return {"customerId": customer.rsplit("/", 1)[-1], "savedMethod": method_id}


async def test_who_is_registered_is_known_and_changed_to_just_what_is_said(shop: Caller) -> None:
    made = told(await shop.post(CUSTOMERS, SITI), 201)
    customer = f"{CUSTOMERS}/{made['customerId']}"
    assert KNOWN.items() <= made.items()
    assert told(await shop.get(customer)) == made

    changed = told(await shop.put(customer, {"name": "Siti R.", "phone": SITI["phone"]}))

    assert (changed["name"], changed["phone"], changed["language"]) == (
        "Siti R.",
        KNOWN["phone"],
        "id",
    )
    assert not {"email", "npwp", "address"} & set(changed)
    assert told(await shop.get(customer)) == changed
    assert told(await shop.put(customer, {"name": "Siti R.", "phone": KNOWN["phone"]})) == changed


async def test_the_same_request_registers_once_and_keeps_no_answer(
    system: Running, shop: Caller
) -> None:
    key = new_key()

    first = await shop.post(CUSTOMERS, SITI, key=key)
    again = await shop.post(CUSTOMERS, SITI, key=key)
    other = await shop.post(CUSTOMERS, SITI | {"name": "Budi"}, key=key)

    assert told(first, 201) == told(again, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(other, 422, "idempotency_key_reused")
    async with system.wired.readers.connection() as conn:
        kept = await (await conn.execute("select * from idempotency_answers")).fetchall()
    assert kept == []


async def test_an_id_of_ones_own_is_taken_once(shop: Caller) -> None:
    made = told(await shop.post(CUSTOMERS, SITI | {"customerId": "shop-7"}), 201)

    assert made["customerId"] == "shop-7"
    refused(await shop.post(CUSTOMERS, {"customerId": "shop-7"}), 409, "customer_exists")


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("service", True),
        ("operator", True),
        ("admin", True),
        ("auditor", False),
        ("reporting", False),
    ],
)
async def test_who_may_not_see_persons_sees_that_something_is_known(
    system: Running, shop: Caller, role: str, sees: bool
) -> None:
    customer = await registered(shop, address="")
    caller = await system.caller(role)

    seen = told(await caller.get(customer))

    assert seen["name"] == (KNOWN["name"] if sees else "***")
    assert seen["npwp"] == (KNOWN["npwp"] if sees else "***")
    assert "address" not in seen


async def test_customers_are_listed_without_anything_personal(
    shop: Caller, gateway: Gateway
) -> None:
    customer, method_id = await with_card(shop, gateway)
    told(await shop.put(f"{customer}/preferred-method", {"method": method_id}))
    other = await registered(shop)

    async def caught_up() -> httpx2.Response:
        answer = await shop.get(CUSTOMERS)
        as_of = answer.json()["asOf"]
        assert as_of["views"] >= as_of["head"]
        return answer

    answer = await eventually(caught_up)
    newest, first = answer.json()["customers"]
    assert [f"{CUSTOMERS}/{one['customerId']}" for one in (newest, first)] == [other, customer]
    assert (first["language"], first["preferredMethod"]) == ("en", method_id)
    assert first["paymentMethods"][0]["masked"] == "48111111-1114"
    assert not [one for one in CANARIES if one in answer.text]
    page = told(await shop.get(CUSTOMERS, pageSize=1))
    rest = told(await shop.get(CUSTOMERS, pageSize=1, cursor=page["nextCursor"]))
    assert rest["customers"] == [first]


async def test_a_saved_card_is_charged_without_its_holder(shop: Caller, gateway: Gateway) -> None:
    customer, method_id = await with_card(shop, gateway)

    payment = await shop.request("credit_card", **buying(customer, method_id))

    assert (payment["status"], payment["savedMethod"]) == ("captured", method_id)
    assert (await gateway.charge(payment))["transaction_status"] == "capture"
    again = await shop.request("credit_card", 50_000, **buying(customer, method_id))
    assert again["status"] == "captured"


async def test_a_linked_wallet_is_charged_without_its_owner(shop: Caller, gateway: Gateway) -> None:
    customer, method_id = await with_wallet(shop, gateway)

    payment = await shop.request("gopay", 150_000, **buying(customer, method_id))

    assert payment["status"] == "settled"


async def test_what_the_bank_or_the_gateway_refuses_is_a_denial_with_a_code(
    shop: Caller, gateway: Gateway
) -> None:
    broke = await shop.request(
        "credit_card", **buying(*await with_card(shop, gateway, DENIED_CARD))
    )
    poor = await shop.request("gopay", **buying(*await with_wallet(shop, gateway, "8242014881")))
    customer = await registered(shop)
    unknown = {
        "kind": "card",
        "token": "48111111sHfRakAvHvFQFEjTivUV1114",
        "masked": "48111111-1114",
        "expiresOn": "2099-12",
    }
    saved = told(await shop.post(f"{customer}/payment-methods", unknown), 201)
    stale = await shop.request("credit_card", **buying(customer, saved["methodId"]))

    ends = {
        payment["attempts"][0]["failure"]["code"]: payment["status"]
        for payment in (broke, poor, stale)
    }
    assert ends == {"05": "denied", "201": "denied", "card_token_invalid": "failed"}


async def test_a_detached_method_is_never_charged_again(shop: Caller, gateway: Gateway) -> None:
    customer, method_id = await with_card(shop, gateway, ACCEPTED_CARD)
    told(await shop.put(f"{customer}/preferred-method", {"method": method_id}))

    gone = told(await shop.delete(f"{customer}/payment-methods/{method_id}", reason="lost"))

    assert gone["paymentMethods"] == []
    assert "preferredMethod" not in gone
    assert told(await shop.delete(f"{customer}/payment-methods/{method_id}")) == gone
    asked = await shop.ask("credit_card", **buying(customer, method_id))
    refused(asked, 404, "payment_method_not_attached")
    preferred = await shop.put(f"{customer}/preferred-method", {"method": method_id})
    refused(preferred, 404, "payment_method_not_attached")


async def test_a_method_detached_before_it_was_charged_fails_the_attempt(
    ledger_database: str, gateway: Gateway
) -> None:
    """The gateway is busy, and by the time of the next try the customer has thought better of it."""
    async with running(ledger_database, gateway, workers=0) as system:
        shop = await system.caller()
        customer, method_id = await with_card(shop, gateway, ACCEPTED_CARD)
        await gateway.fault("rate_limit_429", path="/v2/charge", times=1)
        asked = await shop.ask("credit_card", **buying(customer, method_id))
        assert asked.status_code == 202, asked.text
        told(await shop.delete(f"{customer}/payment-methods/{method_id}"))
        system.later(120)
        await system.start_worker()

        failed = await shop.until(asked.json(), "failed")

    assert failed["attempts"][0]["failure"]["code"] == "payment_method_not_attached"
    assert await gateway.charges(failed) == []


async def test_a_saved_method_is_charged_as_what_it_is_for_whose_it_is(
    shop: Caller, gateway: Gateway
) -> None:
    customer, method_id = await with_card(shop, gateway, ACCEPTED_CARD)
    bought, other = buying(customer, method_id), await registered(shop)

    for method in ("gopay", "bca_va", "e_wallet"):
        refused(await shop.ask(method, **bought), 422, "saved_method_misused")
    alone = await shop.ask("credit_card", savedMethod=method_id)
    refused(alone, 422, "saved_method_misused")
    twice = await shop.ask("credit_card", cardToken="48111111-1114-token", **bought)
    refused(twice, 422, "saved_method_misused")
    theirs = await shop.ask("credit_card", **buying(other, method_id))
    refused(theirs, 404, "payment_method_not_attached")
    nobodys = await shop.ask("credit_card", **buying("nobody", method_id))
    refused(nobodys, 404, "customer_not_found")


async def test_the_same_request_attaches_once(shop: Caller) -> None:
    customer, key = await registered(shop), new_key()
    wallet = {"kind": "gopay", "accountId": "acc-1", "token": "eyJ-token-1"}

    answers = [await shop.post(f"{customer}/payment-methods", wallet, key=key) for _ in range(2)]
    other = await shop.post(f"{customer}/payment-methods", wallet | {"accountId": "acc-2"}, key=key)

    assert told(answers[0], 201) == told(answers[1], 201)
    refused(other, 422, "idempotency_key_reused")
    assert len(told(await shop.get(customer))["paymentMethods"]) == 1


CARD: Fields = {
    "kind": "card",
    "token": "48111111sHfRakAvHvFQFEjTivUV1114",
    "masked": "48111111-1114",
    "expiresOn": "2099-12",
}
WRONG_METHODS: dict[str, tuple[Fields, str]] = {
    "a card's number for a token": (
        CARD | {"token": "4811111111111114"},
        "card_number_refused",
    ),
    "a card's number for a mask": (CARD | {"masked": "4811 1111 1111 1114"}, "card_number_refused"),
    "a number in a wallet's token": (
        {"kind": "gopay", "accountId": "acc", "token": "4811111111111114"},
        "card_number_refused",
    ),
    "no mask": (CARD | {"masked": ""}, "payment_method_mask_malformed"),
    "a card that is over": (CARD | {"expiresOn": "2020-01"}, "payment_method_expired"),
    "a month that is none": (CARD | {"expiresOn": "2028-13"}, "payment_method_expired"),
    "a card with an account": (CARD | {"accountId": "acc"}, "request_invalid"),
    "a wallet without one": ({"kind": "gopay", "token": "eyJ-token"}, "request_invalid"),
    "another kind": ({"kind": "ovo", "token": "eyJ-token"}, "request_invalid"),
    "no kind": ({"token": "eyJ-token"}, "request_invalid"),
    "nothing": ({}, "request_invalid"),
}


async def test_a_method_that_cannot_be_is_refused_and_leaves_nothing(shop: Caller) -> None:
    customer = await registered(shop)

    for body, code in WRONG_METHODS.values():
        refused(await shop.post(f"{customer}/payment-methods", body), 422, code)

    assert told(await shop.get(customer))["paymentMethods"] == []
    nobodys = await shop.post(f"{CUSTOMERS}/nobody/payment-methods", CARD)
    refused(nobodys, 404, "customer_not_found")
    never = f"{customer}/payment-methods/pm_{'0' * 26}"
    refused(await shop.delete(never), 404, "payment_method_not_attached")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "Rahayu"}, "customer_details_refused"),
        ({"phone": "Rahayu"}, "customer_details_refused"),
        ({"npwp": "3578014107950001x"}, "customer_details_refused"),
        ({"name": "Siti\nRahayu"}, "customer_details_refused"),
        ({"name": "Rahayu" * 50}, "request_invalid"),
        ({"address": "Merdeka" * 100}, "request_invalid"),
        ({"language": "de"}, "request_invalid"),
        ({"customerId": "a b"}, "request_invalid"),
        ({"name": "4811 1111 1111 1114"}, "card_number_refused"),
        ({"npwp": "4811111111111114"}, "card_number_refused"),
        ({"birthday": "1995-07-01"}, "request_invalid"),
        ({"name": None}, "request_invalid"),
    ],
)
async def test_a_customer_that_cannot_be_is_refused_without_an_echo(
    shop: Caller, changes: Fields, code: str
) -> None:
    refused(await shop.post(CUSTOMERS, SITI | {"customerId": "shop-7"} | changes), 422, code)

    refused(await shop.get(f"{CUSTOMERS}/shop-7"), 404, "customer_not_found")
    if "customerId" not in changes:
        customer = await registered(shop)
        refused(await shop.put(customer, SITI | changes), 422, code)
        assert KNOWN.items() <= told(await shop.get(customer)).items()
