"""Where a transaction stands: the gateway's words for it, as tables (sections are those of
midtrans.md).
"""

from typing import Final

from ledger.providers.midtrans.wire import Unusable
from ledger.providers.port import ChargeStatus

# 11.2: transaction_status by fraud_status, "" when absent (not every channel is screened). A pair
# that is not
# listed is unknown. `authorize` by `challenge`: a hold under review, decided like a challenged
# capture (6).
SCREENED: Final = {
    ("pending", ""): ChargeStatus.PENDING,
    ("pending", "accept"): ChargeStatus.PENDING,
    ("authorize", ""): ChargeStatus.AUTHORISED,
    ("authorize", "accept"): ChargeStatus.AUTHORISED,
    ("authorize", "challenge"): ChargeStatus.CHALLENGED,
    ("capture", ""): ChargeStatus.CAPTURED,
    ("capture", "accept"): ChargeStatus.CAPTURED,
    ("capture", "challenge"): ChargeStatus.CHALLENGED,
    ("capture", "deny"): ChargeStatus.DENIED,
    ("settlement", ""): ChargeStatus.SETTLED,
    ("settlement", "accept"): ChargeStatus.SETTLED,
}

# 11.1: states that stand whatever the screening said.
DECIDED: Final = {
    "deny": ChargeStatus.DENIED,
    "cancel": ChargeStatus.CANCELLED,
    "expire": ChargeStatus.EXPIRED,
    "failure": ChargeStatus.FAILED,
    "refund": ChargeStatus.SETTLED,
    "partial_refund": ChargeStatus.SETTLED,
    "chargeback": ChargeStatus.CHARGED_BACK,
    "partial_chargeback": ChargeStatus.CHARGED_BACK,
}
REFUNDED: Final = frozenset({"refund", "partial_refund"})


def charge_status(transaction_status: str | None, fraud_status: str | None) -> ChargeStatus:
    """Some channels answer in capitals (midtrans.md 6, DANA)."""
    word, screening = (transaction_status or "").lower(), (fraud_status or "").lower()
    status = DECIDED.get(word) or SCREENED.get((word, screening))
    if status is None:
        raise Unusable("status_word_unknown", f"{word} {screening}".strip())
    return status
