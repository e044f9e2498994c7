"""What became of a request: body `status_code` against HTTP status, as tables (sections are those
of midtrans.md).
"""

from enum import StrEnum
from typing import Final, Literal, NamedTuple

from ledger.providers.port import DUPLICATE, NEVER_SEEN

Operation = Literal["charge", "inquiry", "capture", "cancel", "expire", "approve", "deny", "refund"]


class Kind(StrEnum):
    DID = "did"
    DID_NOT = "did_not"
    UNKNOWN = "unknown"


class Verdict(NamedTuple):
    """`code` is that of the `DidNot`, or the cause of the `Unknown`."""

    kind: Kind
    code: str = ""


def _refused(code: str) -> Verdict:
    return Verdict(Kind.DID_NOT, code)


DID: Final = Verdict(Kind.DID)
RATE_LIMITED: Final = _refused("rate_limited")
IN_PROGRESS: Final = Verdict(Kind.UNKNOWN, "in_progress")

# 12.1: body status_code, the same for every operation. 407 is an expired transaction and how
# /expire succeeds.
BY_CODE: Final = {
    "200": DID,
    "201": DID,
    "407": DID,
    "400": _refused("request_invalid"),
    "401": _refused("gateway_credentials_refused"),
    "402": _refused("payment_type_not_activated"),
    "404": _refused(NEVER_SEEN),
    "405": _refused("request_invalid"),
    "406": _refused(DUPLICATE),
    "408": _refused("request_invalid"),
    "409": _refused("card_used_too_often"),
    "410": _refused("account_blocked"),
    "411": _refused("card_token_invalid"),
    "412": _refused("status_change_refused"),
    "413": _refused("request_invalid"),
    "429": RATE_LIMITED,
}

# 12.1 and 6: codes that mean something else to one operation. 202 is "processed but denied": of a
# charge it is a
# result; of a capture and a refund it leaves the transaction as it was. Elsewhere it is not
# documented.
BY_OPERATION: Final[dict[tuple[Operation, str], Verdict]] = {
    ("charge", "202"): DID,
    ("inquiry", "202"): DID,
    ("capture", "202"): _refused("capture_denied_by_bank"),
    ("refund", "202"): _refused("refund_denied_by_bank"),
    ("charge", "404"): _refused("payer_account_unknown"),
    ("charge", "505"): _refused("va_not_created"),
    ("refund", "412"): _refused("refund_not_possible"),
    ("refund", "414"): _refused("refund_amount_refused"),
}

# 7.1: Snap has no codes, only HTTP statuses. Success is told by the token.
SNAP_BY_HTTP: Final = {
    200: DID,
    201: DID,
    400: _refused("request_invalid"),
    401: _refused("gateway_credentials_refused"),
    429: RATE_LIMITED,
}
# 7.1: how Snap says that a transaction exists under this order id, in either language.
SNAP_TAKEN: Final = ("has already been taken", "has been paid and utilized", "sudah digunakan")

# 7.3: what closing a page answers when the page is closed already, and when a transaction has begun
# under it.
PAGE_CLOSED: Final = ("token already canceled", "token not found")
PAGE_IN_USE: Final = ("Transaction is on progress",)

# The four words of brief.md, "Retry scenarios", and what each is called here: codes of `DidNot`, to
# be sent again,
# and causes of `Unknown`, of which the gateway must be asked first.
RETRYABLE: Final = {
    "NETWORK_TIMEOUT": ("timeout", "connection_lost"),
    "SERVICE_UNAVAILABLE": ("service_unavailable", "http_503", "gateway_503"),
    "RATE_LIMITED": ("rate_limited",),
    "TEMPORARY_FAILURE": ("va_not_created", "http_500", "gateway_500", "in_progress"),
}
_MAY_PASS: Final = frozenset(code for codes in RETRYABLE.values() for code in codes)


def may_pass(code: str) -> bool:
    """Whether the same request may succeed later."""
    return code in _MAY_PASS


def verdict(operation: Operation, http: int, code: str | None) -> Verdict:
    """The body decides (1.7), unless HTTP contradicts it: then nothing is proved (reliability.md
    4.1 rule 3).
    """
    if http in BY_HTTP:
        return BY_HTTP[http]
    if code is None or not _agree(http, code):
        return Verdict(Kind.UNKNOWN, f"http_{http}")
    by_code = BY_OPERATION.get((operation, code)) or BY_CODE.get(code)
    return by_code or Verdict(Kind.UNKNOWN, f"gateway_{code}")


# 1.4: 202 while the first request with our key is running. 1.6: 429 has no status_code.
BY_HTTP: Final = {202: IN_PROGRESS, 429: RATE_LIMITED}


def _agree(http: int, code: str) -> bool:
    both_refuse = 400 <= http < 500 and code.startswith("4")
    return 200 <= http < 300 or both_refuse or str(http) == code
