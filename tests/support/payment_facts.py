"""Payment facts with the numbers of books.md section 3: 99,000 by card, settled 93,593."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from ledger.journal.events import EntryPosted
from ledger.money import Money
from ledger.payments.events import (
    ChargebackReceived,
    ChargeCancelled,
    Evidence,
    Fee,
    LatePaymentReceived,
    PaymentCaptured,
    PaymentSettled,
    RefundAccepted,
    RefundConfirmed,
    RefundFailed,
    Sale,
    SettlementReversed,
)
from ledger.share import Share

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # 10:00 in Jakarta
SAID = Evidence(source="inquiry", digest="0" * 64)
PREPAID = Sale(kind="prepaid", product="Premium")
DELIVERED = Sale(kind="delivered", product="Report")


def rp(minor: int) -> Money:
    return Money.rupiah(minor)


def share(net: int, tax: int) -> Share:
    return Share(net=rp(net), tax=rp(tax))


def fee(percentage: int, fixed: int, tax: int) -> Fee:
    return Fee(percentage=rp(percentage), fixed=rp(fixed), tax=rp(tax))


CARD_FEE = fee(2_871, 2_000, 536)


def captured(
    amount: int = 99_000,
    *,
    due: int = 99_000,
    split: Share | None = None,
    sale: Sale = PREPAID,
    rounding: int = 0,
    at: datetime = AT,
) -> PaymentCaptured:
    return PaymentCaptured(
        attempt=1,
        transaction_id="t-1",
        amount=rp(amount),
        due=rp(due),
        share=split or share(89_189, 9_811),
        sale=sale,
        evidence=SAID,
        rounding=rp(rounding),
        occurred_at=at,
    )


def settled(amount: int = 99_000, net: int = 93_593, taken: Fee = CARD_FEE) -> PaymentSettled:
    return PaymentSettled(
        attempt=1,
        transaction_id="t-1",
        amount=rp(amount),
        fee=taken,
        net=rp(net),
        evidence=SAID,
        occurred_at=AT,
    )


def refund_accepted(
    amount: int, *, deferred: int, income: int, tax: int, sale: Sale = PREPAID
) -> RefundAccepted:
    return RefundAccepted(
        refund_id="ref_1",
        amount=rp(amount),
        from_deferred=rp(deferred),
        from_income=rp(income),
        tax=rp(tax),
        sale=sale,
        evidence=SAID,
        occurred_at=AT,
    )


def refund_confirmed(
    amount: int, *, overdrawn: int = 0, fee_returned: int = 0, fee_tax_returned: int = 0
) -> RefundConfirmed:
    return RefundConfirmed(
        refund_id="ref_1",
        amount=rp(amount),
        from_available=rp(amount - overdrawn),
        overdrawn=rp(overdrawn),
        fee_returned=rp(fee_returned),
        fee_tax_returned=rp(fee_tax_returned),
        evidence=SAID,
        occurred_at=AT,
    )


def refund_failed(accepted: RefundAccepted | None) -> RefundFailed:
    return RefundFailed(
        refund_id="ref_1", code="denied", words="by the bank", accepted=accepted, occurred_at=AT
    )


def cancelled(was: PaymentCaptured | None) -> ChargeCancelled:
    return ChargeCancelled(attempt=1, evidence=SAID, captured=was, occurred_at=AT)


def reversed_settlement(was: PaymentCaptured, then: PaymentSettled | None) -> SettlementReversed:
    return SettlementReversed(attempt=1, captured=was, settled=then, evidence=SAID, occurred_at=AT)


def paid_late(amount: int = 99_000) -> LatePaymentReceived:
    return LatePaymentReceived(
        attempt=1,
        transaction_id="t-1",
        amount=rp(amount),
        because="expired",
        evidence=SAID,
        occurred_at=AT,
    )


def chargeback(amount: int = 99_000, fee: int = 50_000, fee_tax: int = 5_500) -> ChargebackReceived:
    return ChargebackReceived(
        amount=rp(amount), fee=rp(fee), fee_tax=rp(fee_tax), evidence=SAID, occurred_at=AT
    )


def legs(entry: EntryPosted) -> dict[str, int]:
    """Account to rupiah, debit positive; each account stands once in an entry."""
    shown = {leg.account: leg.amount.minor for leg in entry.legs}
    assert len(shown) == len(entry.legs)
    return shown


def balances(entries: Iterable[EntryPosted]) -> dict[str, int]:
    """Account to rupiah over several entries; drained accounts are left out."""
    totals: Counter[str] = Counter()
    for entry in entries:
        for leg in entry.legs:
            totals[leg.account] += leg.amount.minor
    return {account: minor for account, minor in totals.items() if minor}
