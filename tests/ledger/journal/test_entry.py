"""Entries balance, name real accounts, and are effective on the Jakarta day."""

from datetime import UTC, date, datetime

import pytest

from ledger.journal.chart import AccountUnknown
from ledger.journal.entry import UnbalancedEntry, credit, debit, entry, reverse
from ledger.money import Money
from support.payment_facts import AT, balances, legs, rp

BANK = "Assets:Bank:BCA:1"
TRANSIT = "Assets:Bank:InTransit"
ROUNDING = "Expenses:Rounding"


def test_legs_of_nothing_are_dropped():
    posted = entry(
        "P3",
        "Payout",
        [debit(TRANSIT, rp(5)), debit(ROUNDING, rp(0)), credit(BANK, rp(5))],
        occurred_at=AT,
    )

    assert legs(posted) == {TRANSIT: 5, BANK: -5}


def test_legs_on_one_account_stay_apart():
    posted = entry(
        "P3",
        "Payout",
        [debit(BANK, rp(5)), credit(BANK, rp(2)), credit(TRANSIT, rp(3))],
        occurred_at=AT,
    )

    assert [leg.amount.minor for leg in posted.legs] == [5, -2, -3]


def test_an_entry_that_is_off_by_a_rupiah_is_refused():
    with pytest.raises(UnbalancedEntry) as refused:
        entry("P3", "Payout", [debit(TRANSIT, rp(5)), credit(BANK, rp(4))], occurred_at=AT)

    assert refused.value.context == {"rule": "P3", "off_by_minor": {"IDR": 1}}


@pytest.mark.parametrize("given", [[], [debit(BANK, rp(0)), credit(TRANSIT, rp(0))]])
def test_an_entry_of_fewer_than_two_legs_is_refused(given):
    with pytest.raises(UnbalancedEntry):
        entry("P3", "Payout", given, occurred_at=AT)


def test_each_currency_balances_by_itself():
    exchange = [
        debit("Exchange:USD", Money(600, "USD")),
        credit("Assets:Gateway:Midtrans:Pending", Money(600, "USD")),
        debit("Assets:Gateway:Midtrans:Pending", rp(98_400)),
        credit("Exchange:IDR", rp(98_400)),
    ]

    assert len(entry("P21", "USD settled in IDR", exchange, occurred_at=AT).legs) == 4
    with pytest.raises(UnbalancedEntry):
        entry(
            "P21",
            "Mixed",
            [debit(BANK, Money(600, "USD")), credit(TRANSIT, rp(600))],
            occurred_at=AT,
        )


def test_an_account_outside_the_chart_is_refused():
    with pytest.raises(AccountUnknown):
        entry("P3", "Payout", [debit("Assets:Wallet", rp(5)), credit(BANK, rp(5))], occurred_at=AT)


@pytest.mark.parametrize(
    ("occurred_at", "day"),
    [
        (datetime(2026, 11, 23, 16, 59, 59, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 11, 23, 17, 0, 0, tzinfo=UTC), date(2026, 11, 24)),
    ],
)
def test_an_entry_is_effective_on_the_day_in_jakarta(occurred_at, day):
    posted = entry(
        "P3", "Payout", [debit(TRANSIT, rp(5)), credit(BANK, rp(5))], occurred_at=occurred_at
    )

    assert (posted.effective_on, posted.occurred_at) == (day, occurred_at)


def test_a_reverse_takes_back_every_leg_and_names_the_rule():
    wrong = entry("P3", "Payout", [debit(TRANSIT, rp(5)), credit(BANK, rp(5))], occurred_at=AT)

    back = reverse(wrong, because="Wrong bank", occurred_at=AT)

    assert (back.rule, back.reverses, back.words) == ("P22", "P3", "Wrong bank")
    assert balances([wrong, back]) == {}
