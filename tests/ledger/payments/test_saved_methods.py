"""Charging what a customer has saved: what may be asked for, and what reaches the gateway."""

import pytest

from ledger.payments import events as e
from ledger.payments import orders
from ledger.payments.deciding import PAYMENT
from ledger.payments.eligibility import CardTokenMissing, SavedMethodMisused
from ledger.payments.payment import Payment
from ledger.payments.saved_methods import (
    NOTHING_SAVED,
    Kind,
    MethodNotAttached,
    SavedMethod,
    SavedMethods,
)
from ledger.providers.port import ChargeOrder, Payer
from support.facts import TOKEN, requested
from support.memory_tables import MemoryKeyRing
from support.payment_commands import REFUSED, ask, charged, send
from support.scenario import Scenario

OWNER = Payer(name="Siti Rahayu", email="siti@example.id")
BOUGHT = {"customer_id": "cus_1", "saved_method": "pm_1"}


class Wallet:
    """One customer with one method; satisfies SavedMethods."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    async def saved(self, customer_id: str, method_id: str) -> SavedMethod:
        if (customer_id, method_id) != ("cus_1", "pm_1"):
            raise MethodNotAttached()
        return SavedMethod(kind=self.kind, token="tok", account_id="acc", payer=OWNER)

    async def payer(self, customer_id: str) -> Payer:
        return OWNER


def payment() -> Scenario[Payment, object]:
    return Scenario(PAYMENT)  # type: ignore[arg-type]


async def ordered(asked: e.PaymentRequested, saved: SavedMethods) -> ChargeOrder:
    state = payment().when(ask(asked)).state
    return await orders.order(MemoryKeyRing(), saved, state)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["credit_card", "gopay"])
def test_a_saved_method_needs_no_other_token(method: str) -> None:
    asked = requested(method, **BOUGHT)

    payment().when(ask(asked)).then(asked, e.AttemptStarted)


@pytest.mark.parametrize(
    "changes",
    [
        {"requested_method": "bca_va"},
        {"requested_method": "e_wallet"},
        {"customer_id": ""},
        {"card_token": TOKEN},
    ],
)
def test_a_saved_method_is_charged_as_what_it_is(changes: dict[str, object]) -> None:
    method = str(changes.pop("requested_method", "credit_card"))

    refused = (
        payment()
        .when(ask(requested(method, **(BOUGHT | changes))))
        .then_refused(SavedMethodMisused)
    )

    assert refused.context == {"methods": ["credit_card", "gopay"]}


def test_the_next_method_is_not_charged_with_it() -> None:
    """A card stands in for a wallet only with a token of its own."""
    asked = requested("gopay", fallback=("credit_card", "bca_va"), **BOUGHT)

    failed = payment().when(ask(asked)).when(send()).when(charged(REFUSED))

    failed.then(e.ChargeFailed, e.AttemptStarted)
    assert failed.state.attempt.method == "bca_va"


def test_without_one_a_card_still_needs_its_token() -> None:
    payment().when(ask(requested("credit_card", customer_id="cus_1"))).then_refused(
        CardTokenMissing
    )


async def test_a_saved_card_goes_out_with_its_owner() -> None:
    order = await ordered(requested("credit_card", **BOUGHT), Wallet("card"))

    assert (order.saved, order.saved_token, order.card_token) == ("card", "tok", "")
    assert order.payer == OWNER


async def test_a_linked_wallet_goes_out_with_its_account() -> None:
    order = await ordered(requested("gopay", **BOUGHT), Wallet("gopay"))

    assert (order.saved, order.saved_token, order.account_id) == ("gopay", "tok", "acc")


async def test_who_is_told_with_the_payment_pays() -> None:
    told = await orders.sealed(
        MemoryKeyRing(),  # type: ignore[arg-type]
        requested("credit_card", **BOUGHT),
        Payer(name="Budi"),
        "",
    )

    order = await ordered(told, Wallet("card"))

    assert order.payer == Payer(name="Budi")


async def test_who_is_only_known_by_the_customer_is_looked_up() -> None:
    order = await ordered(requested("kredivo", customer_id="cus_1"), Wallet("card"))

    assert order.payer == OWNER
    assert order.saved == order.saved_token == ""


async def test_a_payment_without_a_customer_looks_up_nobody() -> None:
    order = await ordered(requested("bca_va"), Wallet("card"))

    assert order.payer == Payer()


@pytest.mark.parametrize("saved", [NOTHING_SAVED, Wallet("gopay")], ids=["none", "another kind"])
async def test_what_is_not_there_or_is_something_else_is_not_charged(saved: SavedMethods) -> None:
    with pytest.raises(MethodNotAttached):
        await ordered(requested("credit_card", **BOUGHT), saved)


async def test_a_request_learns_who_owns_what_was_saved() -> None:
    known = await orders.with_owner(
        Wallet("card"), requested("credit_card", payer_known=(), **BOUGHT)
    )

    assert known.payer_known == ("name", "email")
    with pytest.raises(SavedMethodMisused):
        await orders.with_owner(Wallet("gopay"), requested("credit_card", **BOUGHT))


def test_what_was_opened_does_not_show_itself() -> None:
    assert "tok" not in repr(SavedMethod(kind="card", token="tok", payer=OWNER))
