"""The signature of notices and status answers (midtrans.md 10.3)."""

import hashlib
import hmac
from collections.abc import Mapping


def signature(order_id: str, status_code: str, gross_amount: str, server_key: str) -> str:
    """Over the strings exactly as they stand in the body: `150000.00`, never `150000`."""
    signed = f"{order_id}{status_code}{gross_amount}{server_key}"
    return hashlib.sha512(signed.encode()).hexdigest()


def is_signed(fields: Mapping[str, str], server_key: str) -> bool:
    """Whether `signature_key` is the gateway's; in constant time, on bytes of equal length."""
    expected = signature(
        fields["order_id"], fields["status_code"], fields["gross_amount"], server_key
    )
    return hmac.compare_digest(expected.encode(), fields["signature_key"].encode())
