"""Erasing a customer, as the decider tells it: two persons, what stands against it, and nothing after."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.access.second_person import SecondPersonNeeded
from ledger.customers import erasure as er
from ledger.customers import events as e
from ledger.customers.customer import (
    CUSTOMER,
    AttachMethod,
    ChangeCustomer,
    Customer,
    DetachMethod,
    PreferMethod,
    RegisterCustomer,
)
from ledger.customers.due import ERASE, RULES
from ledger.due import Done, Due, by_event, changes
from ledger.errors import LedgerError
from ledger.privacy.erased import SubjectErased
from ledger.privacy.sealed import Sealed
from ledger.subscriptions.ways import way
from support.scenario import Scenario

NOW = datetime(2026, 11, 26, 16, 59, tzinfo=UTC)  # a minute to the 27th in Jakarta
NAME = Sealed(subject="cus_1", key_version=1, nonce="", ciphertext="a")
REGISTERED = e.CustomerRegistered(occurred_at=NOW, customer_id="cus_1", language="id", name=NAME)
CARD = e.PaymentMethodAttached(
    occurred_at=NOW, method_id="pm_1", kind="card", token=NAME, masked="48111111-1114"
)
PREFERRED = e.PreferredMethodChosen(occurred_at=NOW, method="pm_1")
SUBJECTS = ("cus_1", "pay_1")
REQUESTED = e.ErasureRequested(
    occurred_at=NOW, subjects=SUBJECTS, reason="asked_by_person", by="ana"
)
APPROVED = e.ErasureApproved(
    occurred_at=NOW, subjects=SUBJECTS, reason="asked_by_person", requested_by="ana", by="budi"
)
CERTIFY = er.CertifyErasure(
    now=NOW, keys_destroyed=3, purged=("inbox",), log_position=41, seal=2, seal_position=40
)
ERASED = e.CustomerErased(
    occurred_at=NOW,
    subjects=SUBJECTS,
    keys_destroyed=3,
    purged=("inbox",),
    log_position=41,
    seal=2,
    seal_position=40,
)


def customer(*history: Any) -> Scenario[Customer, Any]:
    return Scenario(CUSTOMER).given(*history)


def erase(by: str, **changes: Any) -> er.EraseCustomer:
    command = er.EraseCustomer(
        now=NOW,
        subjects=SUBJECTS,
        reason="asked_by_person",
        by=by,
        known=True,
        owing=er.Owing(),
    )
    return replace(command, **changes)


def test_it_takes_two_persons_and_then_a_certificate() -> None:
    scenario = customer(REGISTERED).when(erase("ana")).then(REQUESTED)
    assert scenario.state.erasure.status == "requested"

    refused = scenario.when(erase("ana")).then_refused(SecondPersonNeeded)
    assert refused.context == {"proposed_by": "ana"}

    scenario.when(erase("budi", reason="other")).then(APPROVED)
    assert scenario.state.erasure.status == "approved"

    scenario.when(CERTIFY).then(ERASED)
    assert scenario.state.erasure.status == "erased"


def test_what_is_done_is_not_done_again() -> None:
    customer(REGISTERED, REQUESTED, APPROVED).when(erase("ana")).then_nothing()
    customer(REGISTERED, REQUESTED, APPROVED, ERASED).when(CERTIFY).then_nothing()
    customer(REGISTERED, REQUESTED).when(CERTIFY).then_nothing()


def test_who_wishes_something_else_begins_anew() -> None:
    """Of other payments, or after the month in which an erasure is to be done."""
    other = ("cus_1",)
    scenario = customer(REGISTERED, REQUESTED).when(erase("budi", subjects=other))
    scenario.then(replace(REQUESTED, subjects=other, by="budi"))

    late = NOW + er.GOOD_FOR
    scenario = customer(REGISTERED, REQUESTED).when(erase("budi", now=late))
    scenario.then(replace(REQUESTED, occurred_at=late, by="budi"))
    soon = late - timedelta(seconds=1)
    customer(REGISTERED, REQUESTED).when(erase("budi", now=soon)).then(e.ErasureApproved)


@pytest.mark.parametrize(
    ("owing", "refusal", "named"),
    [
        (er.Owing(subscriptions=("sub_1",), bills=("b",)), er.SubscriptionsActive, "subscriptions"),
        (er.Owing(bills=("bill_1",), payments=("p",)), er.BillsOpen, "bills"),
        (er.Owing(payments=("pay_1",)), er.PaymentsUnderWay, "payments"),
    ],
)
@pytest.mark.parametrize("history", [(), (REQUESTED,)])
def test_what_is_not_over_stands_against_it_at_both_persons(
    owing: er.Owing, refusal: type[LedgerError], named: str, history: tuple[Any, ...]
) -> None:
    refused = customer(REGISTERED, *history).when(erase("budi", owing=owing)).then_refused(refusal)

    assert refused.context == {named: getattr(owing, named)}


def test_a_duty_to_keep_stands_against_it_until_its_last_day_or_until_lifted() -> None:
    until = date(2026, 11, 26)
    hold = er.HoldErasure(now=NOW, basis="dispute", until=until, by="ana", known=True)
    scenario = customer(REGISTERED, REQUESTED).when(hold)
    scenario.then(e.ErasureHeld(occurred_at=NOW, basis="dispute", until=until, by="ana"))
    assert scenario.state.erasure.status == "held"

    refused = scenario.when(erase("budi")).then_refused(er.ErasureOnHold)
    assert refused.context == {"basis": "dispute", "until": "2026-11-26"}
    next_day = NOW + timedelta(minutes=1)  # in Jakarta
    scenario.when(erase("budi", now=next_day)).then(e.ErasureApproved)

    for_ever = customer(REGISTERED, REQUESTED).when(replace(hold, until=None)).then(e.ErasureHeld)
    for_ever.when(erase("budi", now=NOW + timedelta(days=20))).then_refused(er.ErasureOnHold)
    for_ever.when(er.LiftHold(now=NOW, by="ana")).then(
        e.ErasureHoldLifted(occurred_at=NOW, by="ana")
    )
    for_ever.when(erase("budi")).then(e.ErasureApproved)


def test_a_hold_is_of_somebody_and_lifted_once() -> None:
    nobody = er.HoldErasure(now=NOW, basis="other", until=None, by="ana", known=False)
    customer().when(nobody).then_refused(er.NobodyToErase)
    customer(REGISTERED).when(er.LiftHold(now=NOW, by="ana")).then_refused(er.NotOnHold)


def test_nobody_is_not_erased_and_who_never_registered_is() -> None:
    customer().when(erase("ana", known=False)).then_refused(er.NobodyToErase)
    customer().when(erase("ana")).then(REQUESTED)
    customer(REQUESTED).when(erase("budi")).then(APPROVED)


@pytest.mark.parametrize(
    "command",
    [
        RegisterCustomer(now=NOW, customer_id="cus_1", language="id"),
        ChangeCustomer(now=NOW, language="en", seen={}),
        AttachMethod(now=NOW, method_id="pm_9", kind="gopay", token=NAME),
        DetachMethod(now=NOW, method_id="pm_1"),
        PreferMethod(now=NOW, method="bca_va"),
        er.HoldErasure(now=NOW, basis="other", until=None, by="ana", known=True),
        er.LiftHold(now=NOW, by="ana"),
    ],
    ids=lambda command: type(command).__name__,
)
@pytest.mark.parametrize("history", [(REGISTERED, REQUESTED, APPROVED), (REQUESTED, APPROVED)])
def test_nothing_is_new_of_who_was_erased(command: Any, history: tuple[Any, ...]) -> None:
    customer(*history).when(command).then_refused(SubjectErased)


def test_nothing_is_left_to_be_charged_and_a_reader_still_knows_what_there_was() -> None:
    state = customer(REGISTERED, CARD, PREFERRED, REQUESTED, APPROVED).state

    assert (state.methods, state.preferred) == ((), "")
    assert state.sealed == {"name": NAME}
    assert state.erased_at == state.updated_at == NOW
    with pytest.raises(SubjectErased):
        way(state, "bca_va", ())


def test_disclosing_is_a_fact_and_changes_nothing() -> None:
    later = NOW + timedelta(days=1)
    scenario = customer(REGISTERED, REQUESTED, APPROVED, ERASED)
    before = scenario.state

    scenario.when(er.DiscloseData(now=later, by="ana"))

    scenario.then(e.PersonalDataDisclosed(occurred_at=later, by="ana"))
    assert scenario.state == before


def test_what_a_restore_undid_is_done_again_whatever_stands_against_it() -> None:
    held = e.ErasureHeld(occurred_at=NOW, basis="other", until=None, by="ana")
    later = NOW + timedelta(days=9)
    command = er.ReapplyErasure(now=later, approved=APPROVED)

    scenario = customer(REGISTERED, held).when(command)

    scenario.then(replace(APPROVED, occurred_at=later, reapplied=True))
    scenario.when(command).then_nothing()


def test_an_approval_is_work_until_it_is_certified() -> None:
    rules = by_event(RULES)

    (due,) = changes(rules, APPROVED)
    assert due == Due(ERASE, "", NOW + timedelta(seconds=10))
    assert changes(rules, ERASED) == [Done(ERASE, None)]
    assert changes(rules, REQUESTED) == []
