"""Customers on a real log and key ring: sealed on the way in, opened only for whom it is meant."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import psycopg
import pytest

from ledger.customers.customer import CustomerChangedSince, CustomerExists, CustomerNotFound
from ledger.customers.details import CustomerDetailsRefused, Details
from ledger.customers.service import CustomerService, Token, stream_of
from ledger.eventstore.connections import Readers
from ledger.eventstore.key_ring import KeyRing
from ledger.payments.saved_methods import MethodNotAttached
from ledger.privacy.erased import SubjectErased
from ledger.privacy.sealed import Sealed
from ledger.privacy.sealing import SealBroken
from ledger.providers.port import Payer
from support.stores import SCHEMA, context, open_store

SITI = Details(
    name="Siti Rahayu",
    email="siti@example.id",
    phone="0812-3456-7890",
    npwp="0012345678901000",
    address="Jl. Merdeka 1\nBandung",
)
KEPT = Details(
    name="Siti Rahayu",
    email="siti@example.id",
    phone="+6281234567890",
    npwp="0012345678901000",
    address="Jl. Merdeka 1\nBandung",
)
CARD = Token("48111111sHfRakAvHvFQFEjTivUV1114")
MONTH = "2099-12"


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[CustomerService]:
    readers = Readers(database, SCHEMA, 2)
    await readers.open()
    try:
        async with open_store(database) as stores:
            key_ring = KeyRing(readers, b"m" * 32)
            yield CustomerService(store=stores.store, key_ring=key_ring)
    finally:
        await readers.close()


@pytest.fixture
async def customers(ledger_database: str) -> AsyncIterator[CustomerService]:
    async with opened(ledger_database) as service:
        yield service


async def registered(customers: CustomerService) -> str:
    done = await customers.register("", SITI, "id", context())
    return done.state.customer_id


async def with_card(customers: CustomerService) -> tuple[str, str]:
    customer_id = await registered(customers)
    method_id, _ = await customers.attach(
        customer_id, "card", CARD, context(), masked="48111111-1114", expires_on=MONTH
    )
    return customer_id, method_id


async def test_who_is_registered_is_known_again(customers: CustomerService) -> None:
    customer_id = await registered(customers)

    customer = await customers.get(customer_id)
    assert customer_id.startswith("cus_")
    assert await customers.details(customer) == KEPT
    assert await customers.known(customer_id) == ("name", "email", "phone")
    assert await customers.payer(customer_id) == Payer(
        name=KEPT.name, email=KEPT.email, phone=KEPT.phone
    )


async def test_the_same_command_registers_once(customers: CustomerService) -> None:
    once = context()

    first = await customers.register("", SITI, "id", once)
    second = await customers.register("", SITI, "id", once)

    assert second.replayed
    assert second.state == first.state


async def test_an_id_of_the_callers_own_is_taken_once(customers: CustomerService) -> None:
    await customers.register("shop-7", SITI, "en", context())

    with pytest.raises(CustomerExists):
        await customers.register("shop-7", Details(), "id", context())
    assert (await customers.get("shop-7")).language == "en"


async def test_what_cannot_be_is_refused_and_leaves_nothing(customers: CustomerService) -> None:
    with pytest.raises(CustomerDetailsRefused):
        await customers.register("shop-7", Details(email="siti"), "id", context())

    with pytest.raises(CustomerNotFound):
        await customers.get("shop-7")


async def test_only_what_changed_is_sealed_anew(customers: CustomerService) -> None:
    customer_id = await registered(customers)
    now = Details(name="Siti Rahayu", email="rahayu@example.id", phone="+6281234567890")

    done = await customers.change(customer_id, now, "en", context())

    (fact,) = [recorded.event for recorded in done.events]
    assert set(fact.changed) == {"email", "npwp", "address"}  # type: ignore[attr-defined]
    assert await customers.details(done.state) == now
    again = await customers.change(customer_id, now, "en", context())
    assert again.events == ()


class Interrupted(KeyRing):
    """Before it seals, something else happens."""

    def __init__(self, key_ring: KeyRing, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self.__dict__.update(key_ring.__dict__)
        self._meanwhile = meanwhile

    async def seal(self, subject: str, field: str, text: str, *, stream: str = "") -> Sealed:
        await self._meanwhile()
        return await super().seal(subject, field, text, stream=stream)


async def test_of_two_changes_at_once_one_is_refused(customers: CustomerService) -> None:
    customer_id = await registered(customers)

    async def faster() -> None:
        await customers.change(customer_id, Details(name="Siti"), "id", context())

    slower = replace(customers, key_ring=Interrupted(customers.key_ring, faster))
    with pytest.raises(CustomerChangedSince):
        await slower.change(customer_id, Details(name="Rahayu"), "id", context())
    assert (await customers.details(await customers.get(customer_id))).name == "Siti"


async def test_a_saved_card_is_opened_to_be_charged(customers: CustomerService) -> None:
    customer_id, method_id = await with_card(customers)

    saved = await customers.saved(customer_id, method_id)

    assert (saved.kind, saved.token, saved.account_id) == ("card", CARD.token, "")
    assert saved.payer.email == KEPT.email


async def test_a_linked_wallet_is_opened_with_its_account(customers: CustomerService) -> None:
    customer_id = await registered(customers)
    method_id, _ = await customers.attach(customer_id, "gopay", Token("eyJ", "acc-1"), context())

    saved = await customers.saved(customer_id, method_id)

    assert (saved.kind, saved.token, saved.account_id) == ("gopay", "eyJ", "acc-1")


async def test_the_same_command_attaches_once(customers: CustomerService) -> None:
    customer_id, once = await registered(customers), context()

    ids = [
        (await customers.attach(customer_id, "gopay", Token("eyJ", "acc-1"), once))[0]
        for _ in range(2)
    ]

    assert ids[0] == ids[1]
    assert len((await customers.get(customer_id)).methods) == 1


async def test_a_detached_card_is_not_charged(customers: CustomerService) -> None:
    customer_id, method_id = await with_card(customers)
    await customers.detach(customer_id, method_id, "lost", context())

    with pytest.raises(MethodNotAttached):
        await customers.saved(customer_id, method_id)


async def test_a_token_opens_only_as_the_method_it_was_attached_as(
    customers: CustomerService,
) -> None:
    customer_id, method_id = await with_card(customers)
    sealed = (await customers.get(customer_id)).method(method_id).attached.token

    for field, stream in (("token pm_other", stream_of(customer_id)), (f"token {method_id}", "")):
        with pytest.raises(SealBroken):
            await customers.key_ring.open(sealed, field, stream=stream)


async def test_who_was_erased_is_not_charged_and_not_known(customers: CustomerService) -> None:
    customer_id, method_id = await with_card(customers)

    await customers.key_ring.destroy(customer_id)

    with pytest.raises(MethodNotAttached):
        await customers.saved(customer_id, method_id)
    assert await customers.payer(customer_id) == Payer()
    with pytest.raises(SubjectErased):
        await customers.change(customer_id, SITI, "id", context())


async def test_nothing_personal_stands_in_the_log(
    customers: CustomerService, ledger_database: str
) -> None:
    customer_id, method_id = await with_card(customers)
    await customers.attach(customer_id, "gopay", Token("eyJ-canary", "acc-canary"), context())
    await customers.change(customer_id, Details(name="Budi Canary"), "en", context())
    await customers.detach(customer_id, method_id, "lost", context())

    with psycopg.connect(ledger_database) as conn:
        rows = conn.execute("select originator_id, state from bukubesar.events").fetchall()
    text = " ".join(f"{stream} {bytes(state).decode()}" for stream, state in rows)
    canaries = ("Rahayu", "example.id", "81234567890", "0012345678901000", "Merdeka", "canary")
    assert "48111111-1114" in text
    assert [one for one in (*canaries, "Canary", CARD.token) if one in text] == []
