"""Whatever happens to a bill and to its payments, in whatever order: what must hold of its books all the same."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings

from ledger.bills import due
from ledger.bills import events as e
from ledger.bills.deciding import BOOKED_BILL
from ledger.bills.life import NEXT, Status
from ledger.due import Due, by_event, changes
from ledger.events import DomainEvent
from ledger.journal.events import EntryPosted
from ledger.journal.posting_rules import consequence
from support.bill_moves import PRODUCTS, Lived, lives
from support.payment_facts import balances

modest = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
DEFERRED, INCOME = "Liabilities:DeferredRevenue", "Income:Subscription"
CREDIT, TAX, REFUNDS = (
    "Liabilities:Customer:Credit",
    "Liabilities:Tax:PPN-Keluaran",
    "Income:Refunds",
)


def books(lived: Lived) -> Counter[str]:
    return Counter(balances(one for one in lived.facts if isinstance(one, EntryPosted)))


def total(facts: list[DomainEvent], kind: type[Any], amount: Callable[[Any], int]) -> int:
    return sum(amount(fact) for fact in facts if isinstance(fact, kind))


def standing(lived: Lived) -> list[e.BillRefunded]:
    return [one.refunded for one in lived.bill.refunds if one.refunded and not one.failed]


@modest
@given(lives())
def test_deferred_revenue_is_what_the_schedules_have_not_earned(lived):
    left: Counter[str] = Counter()
    for schedule in lived.bill.schedules:
        assert schedule.earned.minor >= 0
        assert schedule.unearned.minor >= 0
        left[schedule.product] += schedule.unearned.minor

    deferred = {product: -books(lived)[f"{DEFERRED}:{product}"] for product in PRODUCTS}
    assert deferred == {product: left[product] for product in PRODUCTS}
    assert len([one for one in lived.bill.schedules if one.unearned]) <= 1


@modest
@given(lives())
def test_income_is_what_the_schedules_have_earned(lived):
    earned: Counter[str] = Counter()
    for schedule in lived.bill.schedules:
        earned[schedule.product] += schedule.earned.minor

    assert {product: -books(lived)[f"{INCOME}:{product}"] for product in PRODUCTS} == {
        product: earned[product] for product in PRODUCTS
    }


@modest
@given(lives())
def test_the_customers_credit_is_what_was_given_less_what_was_used(lived):
    happened = lived.of_bill
    gross = lambda share: share.net.minor + share.tax.minor  # noqa: E731
    given_ = total(happened, e.BillPaidTwice, lambda fact: fact.amount.minor)
    given_ -= total(happened, e.BillCreditWithdrawn, lambda fact: fact.amount.minor)
    given_ += total(happened, e.BillChanged, lambda fact: gross(fact.credited))
    given_ -= total(happened, e.BillReopened, lambda fact: gross(fact.credited))
    used = total(happened, e.BillPaid, lambda fact: fact.credit.minor)
    used -= total(happened, e.BillReopened, lambda fact: fact.credit.minor)

    assert -books(lived)[CREDIT] == given_ - used


@modest
@given(lives())
def test_tax_is_that_of_what_was_paid_less_that_of_what_was_given_back(lived):
    """A bill that nothing pays owes no tax; what was refunded of an undone payment is all that remains."""
    tax, paid = 0, lived.bill.paid
    if paid:
        tax = paid.share.tax.minor + paid.credit_share.tax.minor
        tax -= lived.bill.credited.tax.minor if lived.bill.credited else 0
    tax -= sum(one.amount.minor - one.net.minor for one in standing(lived))

    assert -books(lived)[TAX] == tax


@modest
@given(lives())
def test_all_that_was_paid_is_earned_deferred_or_given_back(lived):
    """Net: paid = earned + deferred + credited + refunded, the last two partly from income."""
    made, paid = books(lived), lived.bill.paid
    left = -sum(made[f"{account}:{one}"] for one in PRODUCTS for account in (DEFERRED, INCOME))
    net = paid.share.net.minor + paid.credit_share.net.minor if paid else 0
    credited = lived.bill.credited.net.minor if paid and lived.bill.credited else 0
    refunded = sum(one.net.minor for one in standing(lived))

    assert net - credited - refunded == left - made[REFUNDS]


@modest
@given(lives())
def test_what_was_given_as_credit_does_not_go_back_besides(lived):
    """Whenever a refund is let through, it and all before it and all credit come to what was paid at most."""
    bill = BOOKED_BILL.initial
    for fact in lived.of_bill:
        bill = BOOKED_BILL.evolve(bill, fact)
        if isinstance(fact, e.BillRefundAsked) and bill.paid:
            back = [one.counts for one in bill.refunds if one.counts]
            credited = [bill.credited] if bill.credited else []
            given_back = sum(share.total.minor for share in (*back, *credited))
            assert given_back <= bill.paid.amount.minor + max(bill.paid.credit.minor, 0)


@modest
@given(lives())
def test_a_bill_that_nothing_pays_leaves_no_trace_but_standing_refunds(lived):
    if lived.bill.status is Status.PAID:
        return
    made = books(lived)

    assert made[REFUNDS] == sum(one.net.minor for one in standing(lived))
    assert not any(made[f"{account}:{one}"] for one in PRODUCTS for account in (DEFERRED, INCOME))


@modest
@given(lives())
def test_every_entry_balances_and_follows_its_fact(lived):
    happened = [fact for fact in lived.facts if not isinstance(fact, EntryPosted)]

    assert lived.facts == [one for fact in happened for one in (fact, *consequence(fact))]
    assert sum(books(lived).values()) == 0


@modest
@given(lives())
def test_what_a_bill_was_told_of_its_payments_it_is_not_told_again(lived):
    for command in lived.told:
        assert not BOOKED_BILL.decide(lived.bill, command), command


@modest
@given(lives())
def test_somebody_looks_when_revenue_is_earned_and_only_then(lived):
    """The work that is due after all facts is what the bill itself waits for."""
    work: dict[str, datetime] = {}
    for fact in lived.of_bill:
        for change in changes(by_event(due.RULES), fact):
            if isinstance(change, Due):
                work[change.kind] = change.due_at
            else:
                work.pop(change.kind, None)

    awaited = lived.bill.recognise_at
    assert work == ({due.RECOGNISE: awaited} if awaited else {})
    assert (awaited is None) == (lived.bill.disputed or lived.bill.running is None)


@modest
@given(lives())
def test_replayed_is_as_lived_and_each_fact_has_a_row(lived):
    bill = BOOKED_BILL.initial
    for fact in lived.of_bill:
        assert isinstance(fact, EntryPosted) or (bill.status, type(fact)) in NEXT
        bill = BOOKED_BILL.evolve(bill, fact)

    assert bill == lived.bill
    assert BOOKED_BILL.snapshot.decode(BOOKED_BILL.snapshot.encode(bill)) == bill
