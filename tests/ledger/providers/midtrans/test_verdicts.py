"""midtrans.md 1.7, 6 and 12.1; reliability.md 4.1 rule 3."""

import pytest

from ledger.providers.midtrans.verdicts import Kind, Operation, may_pass, verdict
from ledger.providers.port import DUPLICATE, NEVER_SEEN

DID, DID_NOT, UNKNOWN = Kind.DID, Kind.DID_NOT, Kind.UNKNOWN
CASES: tuple[tuple[Operation, int, str | None, Kind, str], ...] = (
    # what the application layer answers comes with HTTP 200
    ("charge", 200, "200", DID, ""),
    ("charge", 200, "201", DID, ""),
    ("charge", 201, "201", DID, ""),
    ("charge", 200, "202", DID, ""),
    ("charge", 400, "400", DID_NOT, "request_invalid"),
    ("charge", 401, "401", DID_NOT, "gateway_credentials_refused"),
    ("charge", 200, "402", DID_NOT, "payment_type_not_activated"),
    ("charge", 200, "404", DID_NOT, "payer_account_unknown"),
    ("charge", 200, "406", DID_NOT, DUPLICATE),
    ("charge", 406, "406", DID_NOT, DUPLICATE),
    ("charge", 200, "410", DID_NOT, "account_blocked"),
    ("charge", 200, "411", DID_NOT, "card_token_invalid"),
    ("charge", 200, "413", DID_NOT, "request_invalid"),
    ("charge", 200, "505", DID_NOT, "va_not_created"),
    ("charge", 505, "505", DID_NOT, "va_not_created"),
    ("inquiry", 200, "404", DID_NOT, NEVER_SEEN),
    ("inquiry", 404, "404", DID_NOT, NEVER_SEEN),
    ("inquiry", 200, "407", DID, ""),
    ("inquiry", 200, "202", DID, ""),
    ("expire", 200, "407", DID, ""),
    ("cancel", 200, "412", DID_NOT, "status_change_refused"),
    ("capture", 200, "202", DID_NOT, "capture_denied_by_bank"),
    ("refund", 200, "202", DID_NOT, "refund_denied_by_bank"),
    ("refund", 200, "406", DID_NOT, DUPLICATE),
    ("refund", 200, "412", DID_NOT, "refund_not_possible"),
    ("refund", 200, "414", DID_NOT, "refund_amount_refused"),
    # HTTP alone is enough
    ("charge", 202, None, UNKNOWN, "in_progress"),
    ("charge", 202, "201", UNKNOWN, "in_progress"),
    ("charge", 429, None, DID_NOT, "rate_limited"),
    # every 5xx after sending is unknown
    ("charge", 500, "500", UNKNOWN, "gateway_500"),
    ("charge", 200, "500", UNKNOWN, "gateway_500"),
    ("charge", 503, "503", UNKNOWN, "gateway_503"),
    ("charge", 200, "503", UNKNOWN, "gateway_503"),
    ("charge", 502, None, UNKNOWN, "http_502"),
    ("charge", 500, "505", UNKNOWN, "http_500"),
    ("inquiry", 200, "505", UNKNOWN, "gateway_505"),
    # what is not documented, or contradicts itself, proves nothing
    ("cancel", 200, "202", UNKNOWN, "gateway_202"),
    ("charge", 200, "414", UNKNOWN, "gateway_414"),
    ("charge", 200, "900", UNKNOWN, "gateway_900"),
    ("charge", 200, "abc", UNKNOWN, "gateway_abc"),
    ("charge", 200, None, UNKNOWN, "http_200"),
    ("charge", 301, None, UNKNOWN, "http_301"),
    ("charge", 403, None, UNKNOWN, "http_403"),
    ("charge", 400, "200", UNKNOWN, "http_400"),
    ("charge", 500, "400", UNKNOWN, "http_500"),
    ("charge", 400, "505", UNKNOWN, "http_400"),
)


@pytest.mark.parametrize(("operation", "http", "code", "kind", "word"), CASES)
def test_the_body_decides_unless_http_contradicts_it(
    operation: Operation, http: int, code: str | None, kind: Kind, word: str
):
    assert verdict(operation, http, code) == (kind, word)


@pytest.mark.parametrize(
    "code", ["service_unavailable", "rate_limited", "va_not_created", "timeout"]
)
def test_what_may_pass_is_worth_another_try(code: str):
    assert may_pass(code)


@pytest.mark.parametrize(
    "code", [DUPLICATE, NEVER_SEEN, "request_invalid", "gateway_credentials_refused"]
)
def test_what_will_not_pass_is_not_tried_again(code: str):
    assert not may_pass(code)
