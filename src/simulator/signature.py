"""The signature on notices and status answers (midtrans.md 10.3)."""

from hashlib import sha512


def sign(order_id: str, status_code: str, gross_amount: str, server_key: str) -> str:
    """The strings exactly as they stand in the body; the amount keeps its `.00`."""
    return sha512(f"{order_id}{status_code}{gross_amount}{server_key}".encode()).hexdigest()
