"""Payments that another system took: one fact and one entry, and from then on a payment like any other."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.journal.chart import AccountPartInvalid
from ledger.journal.events import EntryPosted
from ledger.journal.posting_rules import consequence
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.deciding import BOOKED_PAYMENT, PAYMENT
from ledger.payments.imported_item import ImportedItem
from ledger.payments.importing import (
    ImportAmountInvalid,
    ImportFeeUnknown,
    ImportNotSettledYet,
)
from ledger.payments.life import Status
from ledger.payments.methods import MethodUnknown
from ledger.payments.payment import Payment, PaymentStateForbids
from ledger.payments.refunding import RefundNotSupported
from support.facts import begun, imported, listed, observation
from support.payment_commands import inquired
from support.payment_facts import AT, CARD_FEE, DELIVERED, PREPAID, fee, legs, rp
from support.scenario import Scenario

NOW = AT + timedelta(days=2)


def importing(amount: int = 99_000, **more: Any) -> c.ImportPayment:
    defaults: dict[str, Any] = {
        "payment_id": "pay_1",
        "reference": "old-1",
        "method": "bca_va",
        "settled_at": AT,
        "sale": DELIVERED,
        "order_id": "old-order-1",
        "transaction_id": "t-1",
        "now": NOW,
    }
    return c.ImportPayment(amount=rp(amount), **(defaults | more))


def test_an_import_is_one_fact_with_the_catalogue_s_fee():
    Scenario(PAYMENT).when(importing()).then(imported())


def test_a_fee_that_is_told_is_taken():
    fact = Scenario(PAYMENT).when(importing(fee=CARD_FEE)).fact(e.PaymentImported)

    assert isinstance(fact, e.PaymentImported)
    assert (fact.fee, fact.net) == (CARD_FEE, rp(93_593))


def test_its_entry_stands_beside_it_and_balances():
    _, entry = Scenario(BOOKED_PAYMENT).when(importing(fee=CARD_FEE, sale=PREPAID)).new

    assert isinstance(entry, EntryPosted)
    assert entry.rule == "P23"
    assert legs(entry) == {
        "Assets:Gateway:Midtrans:Available": 93_593,
        "Expenses:Gateway:MDR": 2_871,
        "Expenses:Gateway:Fixed": 2_000,
        "Assets:Tax:PPN-Masukan": 536,
        "Liabilities:DeferredRevenue:Premium": -89_189,
        "Liabilities:Tax:PPN-Keluaran": -9_811,
    }


def test_it_leads_to_a_settled_payment_that_can_be_refunded():
    state = PAYMENT.fold([imported()])

    assert state.status is Status.SETTLED
    assert state.refundable == rp(99_000)
    assert state.attempt.order_id == "old-order-1"
    assert not state.attempt.sendings


def test_it_can_be_kept_as_a_snapshot():
    state = PAYMENT.fold([imported()])

    assert msgspec.json.decode(msgspec.json.encode(state), type=Payment) == state


def test_without_the_gateway_s_order_id_there_is_no_refund_through_it():
    ask = c.RequestRefund(now=NOW, refund_id="ref_1", amount=None, reason="")

    Scenario(PAYMENT).given(imported(order_id="", method="gopay")).when(ask).then_refused(
        RefundNotSupported
    )
    with_order = Scenario(PAYMENT).given(imported(method="gopay"))
    with_order.when(ask).then(e.RefundRequested)


def test_asking_after_it_finds_the_refund_and_no_second_payment_though_its_transaction_was_not_told():
    asked = e.RefundRequested(refund_id="ref_1", amount=rp(33_000), reason="", occurred_at=NOW)
    seen = observation("settled", refunds=[listed()], order_id="old-order-1")

    history = (imported(transaction_id="", method="gopay"), asked)

    new = Scenario(PAYMENT).given(*history).when(inquired(seen)).new
    assert [type(fact) for fact in new] == [e.RefundAccepted]


def test_a_moment_without_an_offset_is_none():
    with pytest.raises(ValueError, match="offset"):
        ImportedItem(reference="a", amount=rp(1), method="gopay", settled_at=datetime(2026, 11, 20))


REFUSED: dict[str, tuple[c.ImportPayment, type[LedgerError]]] = {
    "the future": (importing(settled_at=NOW + timedelta(seconds=1)), ImportNotSettledYet),
    "nothing": (importing(0), ImportAmountInvalid),
    "less than nothing": (importing(-1), ImportAmountInvalid),
    "a fee above it": (importing(100, fee=fee(90, 10, 1)), ImportAmountInvalid),
    "a fee below zero": (importing(fee=fee(-1, 0, 0)), ImportAmountInvalid),
    "a day before the tariff, and no fee told": (
        importing(settled_at=AT - timedelta(days=3_650)),
        ImportFeeUnknown,
    ),
    "an unknown method": (importing(method="bitcoin"), MethodUnknown),
    "a product no account can have": (
        importing(sale=e.Sale(product="a b")),
        AccountPartInvalid,
    ),
}


@pytest.mark.parametrize(("command", "refusal"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(command: c.ImportPayment, refusal: type[LedgerError]):
    Scenario(PAYMENT).when(command).then_refused(refusal)


@pytest.mark.parametrize("history", [begun(), [imported()]], ids=["requested", "imported"])
def test_a_payment_that_exists_is_not_imported(history: list[Any]):
    Scenario(PAYMENT).given(*history).when(importing()).then_refused(PaymentStateForbids)


@given(st.integers(1, 10**13), st.sampled_from([DELIVERED, PREPAID]), st.booleans(), st.data())
def test_every_import_balances(amount: int, sale: e.Sale, taxed: bool, data: st.DataObject):
    percentage = data.draw(st.integers(0, amount))
    fixed = data.draw(st.integers(0, amount - percentage))
    tax = data.draw(st.integers(0, amount - percentage - fixed))
    command = importing(amount, sale=sale, taxed=taxed, fee=fee(percentage, fixed, tax))

    (fact,) = PAYMENT.decide(PAYMENT.initial, command)

    (entry,) = consequence(fact)  # building an entry that does not balance raises
    assert sum(leg.amount.minor for leg in entry.legs) == 0
