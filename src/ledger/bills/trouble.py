"""Why a payment did not come, and what may help: time, the payer, or nothing.

The codes are the gateway's per channel (midtrans.md 12.3) and our own words for the rest; what no
table names may pass by itself, and the policy ends the retries.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from ledger.bills.events import Trouble

LATER: Final[Trouble] = "retry_later"
CUSTOMER: Final[Trouble] = "needs_customer"
NEVER: Final[Trouble] = "never"


def _table(rows: Iterable[tuple[Trouble, tuple[str, ...]]]) -> Mapping[str, Trouble]:
    return {code: trouble for trouble, codes in rows for code in codes}


# 05, 51, 61 and 65 (declined, funds, limits), 19, 22, 90 to 96 (bank not reached) pass with time.
_CARD: Final = _table(
    (
        (NEVER, ("04", "07", "33", "34", "35", "36", "37", "38", "41", "43", "67")),  # lost, stolen
        (NEVER, ("59", "83")),  # fraud
        (CUSTOMER, ("01", "02")),  # has to call the bank
        (CUSTOMER, ("03", "12", "13", "57", "58", "62")),  # not with this card
        (CUSTOMER, ("14", "15", "39", "46", "54")),  # no such card or account, or expired
        (CUSTOMER, ("55", "75", "82", "N7", "1A")),  # PIN, security code, authentication
        (CUSTOMER, ("R0", "R1", "R3")),  # has stopped recurring payments
    )
)
_GOPAY: Final = _table(
    (
        (NEVER, ("4060",)),  # fraud
        (CUSTOMER, ("101", "105", "110", "112", "153", "5009")),  # not linked, blocked
    )
)
_OVO: Final = _table(((CUSTOMER, ("14", "17", "68")),))  # no account, said no, did not answer

_CHANNELS: Final[Mapping[str, Mapping[str, Trouble]]] = {
    "credit_card": _CARD,
    "gopay": _GOPAY,
    "ovo": _OVO,
}
# The gateway's refusals of a request (verdicts.py), and ours. 410 is of a GoPay user; what merchants
# have to mend (credentials, activation, a bad request) passes once they have.
_OURS: Final = _table(
    (
        (NEVER, ("fraud_suspected",)),
        (CUSTOMER, ("account_blocked", "card_token_invalid", "payer_account_unknown")),
        (CUSTOMER, ("payment_method_not_attached", "customer_not_found")),
        (CUSTOMER, ("expired", "cancelled")),
    )
)


def trouble(code: str, payment_type: str = "") -> Trouble:
    """The same code means different things to different channels."""
    return _CHANNELS.get(payment_type, {}).get(code) or _OURS.get(code) or LATER
