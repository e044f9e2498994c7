"""The chart of accounts: one row an account, and which row an account path belongs to.

Accounts are opened by use, so a path is checked against the templates here; `{…}` stands for one
part of a path.
"""

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from ledger.errors import NotFound, Rejected

Side = Literal["debit", "credit", "either"]
Kind = Literal["recording", "authorising", "closing"]

# No space, colon or dot, so that an export to hledger or beancount need only adjust case.
PART: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"


class AccountUnknown(NotFound):
    code = "account_unknown"
    title = "The chart of accounts has no such account."


class AccountPartInvalid(Rejected):
    code = "account_part_invalid"
    title = "This name cannot be part of an account."


class ChartRow(NamedTuple):
    """`must_drain`: the balance returns to zero; `control`: by when, or what it must equal."""

    code: int
    template: str
    side: Side
    kind: Kind
    must_drain: bool
    control: str
    english: str
    indonesian: str


# books.md section 1. An authorising account may refuse a movement, such as a refund from an empty
# balance; a recording one never does.
# fmt: off
CHART: Final = tuple(
    ChartRow(*row)
    for row in (
        (1101, "Assets:Bank:{bank}:{account}", "debit", "recording", False,
         "equals the bank statement",
         "Bank {bank}, account {account}", "Bank {bank}, rekening {account}"),
        (1110, "Assets:Bank:InTransit", "debit", "recording", True, "within 3 business days",
         "Cash in transit", "Kas dalam perjalanan"),
        (1201, "Assets:Gateway:{psp}:Pending", "debit", "recording", True,
         "per payment, within the settlement time",
         "{psp}: captured, not yet settled", "{psp}: diterima, belum diselesaikan"),
        (1202, "Assets:Gateway:{psp}:Available", "debit", "authorising", False,
         "equals the gateway report",
         "{psp}: available balance", "{psp}: saldo tersedia"),
        (1203, "Assets:Gateway:{psp}:Disputed", "debit", "recording", True, "per dispute",
         "{psp}: held for disputes", "{psp}: ditahan karena sengketa"),
        (1204, "Assets:Gateway:{psp}:Reserve", "debit", "recording", False, "",
         "{psp}: reserve", "{psp}: dana cadangan"),
        (1301, "Assets:Receivable:{customer}", "debit", "recording", False,
         "equals the open invoices",
         "Receivable from {customer}", "Piutang usaha {customer}"),
        (1401, "Assets:Tax:PPN-Masukan", "debit", "recording", True, "monthly",
         "Input VAT", "PPN Masukan"),
        (1402, "Assets:Tax:PPh23-Prepaid", "debit", "recording", False, "per withholding slip",
         "Income tax art. 23 withheld from us", "PPh Pasal 23 dibayar di muka"),
        (1403, "Assets:Tax:PPh23-Reimbursable:{psp}", "debit", "recording", True,
         "per withholding slip",
         "Income tax art. 23 to be credited by {psp}", "PPh Pasal 23 yang diganti {psp}"),
        (2101, "Liabilities:Customer:Unapplied", "credit", "authorising", True, "within 30 days",
         "Customer money not yet applied", "Dana pelanggan belum dialokasikan"),
        (2102, "Liabilities:Customer:Credit", "credit", "authorising", False, "",
         "Credit granted to customers", "Kredit pelanggan"),
        (2201, "Liabilities:DeferredRevenue:{plan}", "credit", "authorising", False,
         "equals the schedule, per contract",
         "Deferred revenue, {plan}", "Pendapatan diterima di muka, {plan}"),
        (2301, "Liabilities:Tax:PPN-Keluaran", "credit", "recording", True, "monthly",
         "Output VAT", "PPN Keluaran"),
        (2302, "Liabilities:Tax:PPN-Payable", "credit", "recording", True, "on payment",
         "VAT payable", "Utang PPN"),
        (2303, "Liabilities:Tax:PPh23-Payable", "credit", "recording", True, "monthly",
         "Income tax art. 23 payable", "Utang PPh Pasal 23"),
        (2401, "Liabilities:Refund:Payable", "credit", "recording", True, "per refund",
         "Refunds payable", "Utang pengembalian dana"),
        (2501, "Liabilities:Chargeback:Provision", "credit", "recording", False, "",
         "Provision for chargebacks", "Cadangan tolak bayar"),
        (2601, "Liabilities:Gateway:{psp}:Overdrawn", "credit", "recording", True, "",
         "{psp}: balance overdrawn", "{psp}: saldo minus"),
        (3101, "Equity:OpeningBalances", "credit", "recording", False, "zero after migration",
         "Opening balances", "Saldo awal"),
        (3201, "Equity:RetainedEarnings", "credit", "closing", False, "",
         "Retained earnings", "Laba ditahan"),
        (4101, "Income:Subscription:{plan}", "credit", "recording", False, "closed yearly",
         "Subscription revenue, {plan}", "Pendapatan langganan, {plan}"),
        (4102, "Income:Sales:{product}", "credit", "recording", False, "closed yearly",
         "Sales revenue, {product}", "Pendapatan penjualan, {product}"),
        (4201, "Income:Refunds", "debit", "recording", False, "closed yearly",
         "Refunds (contra revenue)", "Retur penjualan"),
        (5101, "Expenses:Gateway:MDR", "debit", "recording", False, "closed yearly",
         "Gateway fee, percentage (MDR)", "Biaya gateway, persentase (MDR)"),
        (5102, "Expenses:Gateway:Fixed", "debit", "recording", False, "closed yearly",
         "Gateway fee, fixed", "Biaya gateway, tetap"),
        (5103, "Expenses:Gateway:Payout", "debit", "recording", False, "closed yearly",
         "Gateway fee, payout", "Biaya gateway, pencairan"),
        (5201, "Expenses:Chargeback:Loss", "debit", "recording", False, "closed yearly",
         "Chargeback losses", "Kerugian tolak bayar"),
        (5202, "Expenses:Chargeback:Fee", "debit", "recording", False, "closed yearly",
         "Chargeback fees", "Biaya tolak bayar"),
        (5301, "Expenses:Tax:NonCreditablePPN", "debit", "recording", False, "closed yearly",
         "VAT that cannot be credited", "PPN yang tidak dapat dikreditkan"),
        (5401, "Expenses:BadDebt", "debit", "recording", False, "closed yearly",
         "Bad debt", "Piutang tak tertagih"),
        (5901, "Expenses:Rounding", "either", "recording", False, "alarm above 100 a day",
         "Rounding differences", "Selisih pembulatan"),
        (9101, "Exchange:{currency}", "either", "recording", False, "revalued at close",
         "Exchange position, {currency}", "Posisi valuta, {currency}"),
    )
)
# fmt: on


@lru_cache(maxsize=4096)
def resolve(path: str) -> ChartRow:
    """The row an account path belongs to; raises AccountUnknown."""
    return _match(path)[0]


def label(path: str, language: Literal["en", "id"] = "en") -> str:
    """The account's name for people: `Midtrans: available balance`, `Midtrans: saldo tersedia`."""
    row, parts = _match(path)
    return (row.english if language == "en" else row.indonesian).format(**parts)


def check_part(name: str) -> str:
    """The name itself when it can stand in an account path; ask before money moves, not after."""
    if not re.fullmatch(PART, name):
        raise AccountPartInvalid(
            "Use 1 to 64 letters, digits, hyphens or underscores, first a letter or digit.",
            name=name,
        )
    return name


def _match(path: str) -> tuple[ChartRow, dict[str, str]]:
    for row, pattern in PATTERNS:
        if found := pattern.fullmatch(path):
            return row, found.groupdict()
    raise AccountUnknown("GET /accounts lists those that are in use.")


PATTERNS: Final = tuple(
    (row, re.compile(re.sub(r"\{(\w+)\}", rf"(?P<\1>{PART})", row.template))) for row in CHART
)
