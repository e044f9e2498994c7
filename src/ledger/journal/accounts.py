"""Accounts by the names that posting rules call them; the chart says what each is."""

from typing import Final

PENDING: Final = "Assets:Gateway:Midtrans:Pending"
AVAILABLE: Final = "Assets:Gateway:Midtrans:Available"
DISPUTED: Final = "Assets:Gateway:Midtrans:Disputed"
OVERDRAWN: Final = "Liabilities:Gateway:Midtrans:Overdrawn"
INPUT_TAX: Final = "Assets:Tax:PPN-Masukan"
OUTPUT_TAX: Final = "Liabilities:Tax:PPN-Keluaran"
UNAPPLIED: Final = "Liabilities:Customer:Unapplied"
CREDIT: Final = "Liabilities:Customer:Credit"
REFUND_PAYABLE: Final = "Liabilities:Refund:Payable"
REFUNDS: Final = "Income:Refunds"
MDR: Final = "Expenses:Gateway:MDR"
FIXED_FEE: Final = "Expenses:Gateway:Fixed"
CHARGEBACK_FEE: Final = "Expenses:Chargeback:Fee"
ROUNDING: Final = "Expenses:Rounding"


def deferred(product: str) -> str:
    """Paid in advance and not earned yet."""
    return f"Liabilities:DeferredRevenue:{product}"


def subscription_income(product: str) -> str:
    return f"Income:Subscription:{product}"


def sales_income(product: str) -> str:
    return f"Income:Sales:{product}"
