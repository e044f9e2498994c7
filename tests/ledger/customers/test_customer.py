"""The life of a customer, as the decider tells it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.customers import events as e
from ledger.customers.customer import (
    CUSTOMER,
    MOST_METHODS,
    AttachMethod,
    ChangeCustomer,
    CustomerChangedSince,
    CustomerExists,
    CustomerIdMalformed,
    CustomerNotFound,
    DetachMethod,
    MethodExists,
    MethodExpired,
    MethodMaskMalformed,
    PreferMethod,
    RegisterCustomer,
    TooManyMethods,
)
from ledger.errors import LedgerError
from ledger.payments.methods import MethodUnknown
from ledger.payments.saved_methods import MethodNotAttached
from ledger.privacy.sealed import Sealed
from support.scenario import Scenario

NOW = datetime(2026, 11, 30, 16, 59, tzinfo=UTC)  # a minute to December in Jakarta
LATER = NOW + timedelta(minutes=1)


def sealed(text: str) -> Sealed:
    return Sealed(subject="cus_1", key_version=1, nonce="", ciphertext=text)


REGISTERED = e.CustomerRegistered(
    occurred_at=NOW, customer_id="cus_1", language="id", name=sealed("a"), email=sealed("b")
)
SEEN: dict[e.Field, Sealed] = {"name": sealed("a"), "email": sealed("b")}
CARD = e.PaymentMethodAttached(
    occurred_at=NOW,
    method_id="pm_1",
    kind="card",
    token=sealed("t"),
    masked="48111111-1114",
    expires_on="2026-11",
)
GOPAY = e.PaymentMethodAttached(occurred_at=NOW, method_id="pm_2", kind="gopay", token=sealed("u"))
DETACHED = e.PaymentMethodDetached(occurred_at=NOW, method_id="pm_1", reason="asked")


def customer(*history: Any) -> Scenario[Any, Any]:
    return Scenario(CUSTOMER).given(*history)


def register(customer_id: str = "cus_1") -> RegisterCustomer:
    given: dict[e.Field, Sealed] = {"name": sealed("a"), "email": sealed("b")}
    return RegisterCustomer(now=NOW, customer_id=customer_id, language="id", sealed=given)


def attach(**changes: Any) -> AttachMethod:
    command = AttachMethod(
        now=NOW,
        method_id="pm_1",
        kind="card",
        token=sealed("t"),
        masked="48111111-1114",
        expires_on="2026-11",
    )
    return replace(command, **changes)


def prefer(method: str) -> PreferMethod:
    return PreferMethod(now=NOW, method=method)


def test_a_customer_is_registered_once() -> None:
    scenario = customer().when(register()).then(REGISTERED)

    assert scenario.state.sealed == {"name": sealed("a"), "email": sealed("b")}
    scenario.when(register()).then_refused(CustomerExists)


@pytest.mark.parametrize("customer_id", ["", "-a", "a:b", "a.b", "a\n", "a" * 65])
def test_an_id_that_is_none_is_refused(customer_id: str) -> None:
    customer().when(register(customer_id)).then_refused(CustomerIdMalformed)


def test_a_change_names_what_changed_and_leaves_the_rest() -> None:
    changed: dict[e.Field, Sealed | None] = {"email": None, "phone": sealed("c")}
    command = ChangeCustomer(now=LATER, language="id", changed=changed, seen=SEEN)

    scenario = customer(REGISTERED).when(command)

    scenario.then(e.CustomerChanged(occurred_at=LATER, changed=changed))
    assert scenario.state.sealed == {"name": sealed("a"), "phone": sealed("c")}
    assert scenario.state.updated_at == LATER


def test_a_language_is_changed_alone_and_a_change_of_nothing_is_no_fact() -> None:
    scenario = customer(REGISTERED).when(ChangeCustomer(now=NOW, language="en", seen=SEEN))
    scenario.then(e.CustomerChanged(occurred_at=NOW, language="en"))

    scenario.when(ChangeCustomer(now=NOW, language="en", seen=SEEN)).then_nothing()
    assert scenario.state.language == "en"


def test_a_change_of_what_was_changed_since_is_refused() -> None:
    other = e.CustomerChanged(occurred_at=NOW, changed={"email": sealed("z")})

    customer(REGISTERED, other).when(
        ChangeCustomer(now=LATER, language="en", seen=SEEN)
    ).then_refused(CustomerChangedSince)


def test_a_card_is_attached_once_and_can_be_charged() -> None:
    scenario = customer(REGISTERED).when(attach()).then(CARD)

    scenario.when(attach()).then_refused(MethodExists)
    assert scenario.state.method("pm_1").attached == CARD


def test_a_linked_wallet_needs_neither_mask_nor_month() -> None:
    command = attach(method_id="pm_2", kind="gopay", token=sealed("u"), masked="", expires_on="")

    customer(REGISTERED).when(command).then(GOPAY)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"masked": ""}, MethodMaskMalformed),
        ({"masked": "4811111111111114"}, MethodMaskMalformed),
        ({"masked": "48111111-111"}, MethodMaskMalformed),
        ({"expires_on": ""}, MethodExpired),
        ({"expires_on": "2028-13"}, MethodExpired),
        ({"expires_on": "28-12"}, MethodExpired),
        ({"expires_on": "2026-10"}, MethodExpired),
        ({"now": LATER}, MethodExpired),  # December has begun where the customer lives
    ],
)
def test_a_card_that_says_too_much_or_is_over_is_refused(
    changes: dict[str, Any], refusal: type[LedgerError]
) -> None:
    customer(REGISTERED).when(attach(**changes)).then_refused(refusal)


def test_a_detached_method_is_there_no_more_and_detaching_twice_is_once() -> None:
    command = DetachMethod(now=NOW, method_id="pm_1", reason="asked")

    scenario = customer(REGISTERED, CARD, GOPAY).when(command).then(DETACHED)

    scenario.when(command).then_nothing()
    assert [each.method_id for each in scenario.state.attached] == ["pm_2"]
    with pytest.raises(MethodNotAttached):
        scenario.state.method("pm_1")


def test_what_was_never_attached_cannot_be_detached() -> None:
    command = DetachMethod(now=NOW, method_id="pm_9")

    customer(REGISTERED, CARD).when(command).then_refused(MethodNotAttached)


def test_so_many_methods_are_kept_and_no_more() -> None:
    many = [replace(CARD, method_id=f"pm_{n}") for n in range(MOST_METHODS)]
    gone = replace(DETACHED, method_id="pm_0")

    customer(REGISTERED, *many).when(attach(method_id="pm_x")).then_refused(TooManyMethods)
    customer(REGISTERED, *many, gone).when(attach(method_id="pm_x")).then(e.PaymentMethodAttached)


def test_preferred_is_a_saved_method_or_one_of_the_catalogue() -> None:
    scenario = customer(REGISTERED, CARD).when(prefer("pm_1")).then(e.PreferredMethodChosen)
    scenario.when(prefer("pm_1")).then_nothing()
    scenario.when(prefer("bca_va")).then(e.PreferredMethodChosen)

    assert scenario.state.preferred == "bca_va"


def test_a_detached_method_is_preferred_no_more() -> None:
    chosen = e.PreferredMethodChosen(occurred_at=NOW, method="pm_1")

    assert customer(REGISTERED, CARD, chosen, DETACHED).state.preferred == ""
    other = e.PreferredMethodChosen(occurred_at=NOW, method="bca_va")
    assert customer(REGISTERED, CARD, other, DETACHED).state.preferred == "bca_va"


@pytest.mark.parametrize(
    ("method", "refusal"),
    [("pm_9", MethodNotAttached), ("barter", MethodUnknown), ("bank_transfer", MethodUnknown)],
)
def test_what_cannot_be_used_cannot_be_preferred(method: str, refusal: type[LedgerError]) -> None:
    customer(REGISTERED, CARD).when(prefer(method)).then_refused(refusal)


@pytest.mark.parametrize(
    "command",
    [
        ChangeCustomer(now=NOW, language="en", seen=SEEN),
        attach(),
        DetachMethod(now=NOW, method_id="pm_1"),
        prefer("bca_va"),
    ],
)
def test_who_is_not_registered_is_not_found(command: Any) -> None:
    customer().when(command).then_refused(CustomerNotFound)
