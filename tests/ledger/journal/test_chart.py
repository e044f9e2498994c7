"""The chart of accounts against books.md section 1."""

import pytest

from ledger.journal import accounts
from ledger.journal.chart import (
    CHART,
    AccountPartInvalid,
    AccountUnknown,
    check_part,
    label,
    resolve,
)


def test_the_chart_has_every_code_of_the_books_once():
    assert [row.code for row in CHART] == [
        *(1101, 1110, 1201, 1202, 1203, 1204, 1301, 1401, 1402, 1403),
        *(2101, 2102, 2201, 2301, 2302, 2303, 2401, 2501, 2601),
        *(3101, 3201, 4101, 4102, 4201),
        *(5101, 5102, 5103, 5201, 5202, 5301, 5401, 5901, 9101),
    ]


@pytest.mark.parametrize(
    ("path", "code", "side", "kind", "must_drain"),
    [
        ("Assets:Bank:BCA:1234567890", 1101, "debit", "recording", False),
        ("Assets:Bank:InTransit", 1110, "debit", "recording", True),
        ("Assets:Gateway:Midtrans:Pending", 1201, "debit", "recording", True),
        ("Assets:Gateway:Midtrans:Available", 1202, "debit", "authorising", False),
        ("Assets:Receivable:cus_01k9", 1301, "debit", "recording", False),
        ("Assets:Tax:PPN-Masukan", 1401, "debit", "recording", True),
        ("Liabilities:Customer:Unapplied", 2101, "credit", "authorising", True),
        ("Liabilities:DeferredRevenue:premium_monthly", 2201, "credit", "authorising", False),
        ("Liabilities:Refund:Payable", 2401, "credit", "recording", True),
        ("Equity:RetainedEarnings", 3201, "credit", "closing", False),
        ("Income:Sales:General", 4102, "credit", "recording", False),
        ("Income:Refunds", 4201, "debit", "recording", False),
        ("Expenses:Chargeback:Fee", 5202, "debit", "recording", False),
        ("Expenses:Rounding", 5901, "either", "recording", False),
        ("Exchange:USD", 9101, "either", "recording", False),
    ],
)
def test_a_path_resolves_to_its_row(path, code, side, kind, must_drain):
    row = resolve(path)

    assert (row.code, row.side, row.kind, row.must_drain) == (code, side, kind, must_drain)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Assets",
        "Assets:Gateway:Midtrans:pending",
        "Assets:Gateway:Midtrans:Pending:More",
        "Assets:Gateway::Pending",
        "Income:Sales:Two Words",
        "Income:Sales:a:b",
        "Income:Sales:General\n",
        "Income:Sales:" + "x" * 65,
        "Suspense",
    ],
)
def test_an_unknown_path_is_refused(path):
    with pytest.raises(AccountUnknown) as refused:
        resolve(path)

    assert refused.value.context == {}  # what was sent is not echoed


def test_every_row_resolves_to_itself_so_no_two_templates_overlap():
    for row in CHART:
        assert resolve(row.template.replace("{", "").replace("}", "")) is row


def test_every_account_of_the_posting_rules_is_in_the_chart():
    paths = [
        v
        for v in vars(accounts).values()
        if isinstance(v, str) and v.count(":") in (1, 2, 3) and " " not in v
    ]

    assert len(paths) == 14
    made = [
        f("plan_1")
        for f in (accounts.deferred, accounts.subscription_income, accounts.sales_income)
    ]
    for path in [*paths, *made]:
        resolve(path)


def test_labels_name_the_account_in_both_languages():
    assert label("Assets:Gateway:Midtrans:Available") == "Midtrans: available balance"
    assert label("Assets:Gateway:Midtrans:Available", "id") == "Midtrans: saldo tersedia"
    assert all(row.english and row.indonesian for row in CHART)


def test_a_product_name_is_checked_before_it_becomes_part_of_an_account():
    assert check_part("premium_monthly") == "premium_monthly"
    for name in ("", "a:b", "two words", "-x", "é"):
        with pytest.raises(AccountPartInvalid):
            check_part(name)
