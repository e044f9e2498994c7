"""Ids: sortable by time, safe in URLs, and derived from business keys where a repeat must meet the
first.

An id is its own stream name in the log; its prefix says what it is.
"""

import hashlib
import secrets
from collections import deque
from datetime import datetime
from functools import lru_cache
from typing import Final

from ledger import clock

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u

PIECE: Final = 16  # characters of five random bits
PIECES: Final = 256
_PIECES: Final[deque[str]] = deque()
_CHARACTERS: Final = (
    ALPHABET * (256 // len(ALPHABET))
).encode()  # for a byte: each comes equally often

PAYMENT: Final = "pay"
REFUND: Final = "ref"
KEY: Final = "key"
SUBSCRIPTION: Final = "sub"
BILL: Final = "bill"


def new_id(prefix: str) -> str:
    """`pay_01k9…`: 48 bits of milliseconds and 80 random bits, so ids sort by creation (as UUIDv7
    does).
    """
    return f"{prefix}_{_moment(clock.epoch_milliseconds())}{_random_piece()}"


@lru_cache(maxsize=1)
def _moment(milliseconds: int) -> str:
    """Many ids are made within one."""
    return _base32(milliseconds, 10)


def _random_piece() -> str:
    """80 bits. Asking the system is dear on some machines, and several ids are made for a command; each
    piece is handed out once, whatever thread asks.
    """
    while True:
        try:
            return _PIECES.popleft()
        except IndexError:
            fresh = secrets.token_bytes(PIECE * PIECES).translate(_CHARACTERS).decode()
            _PIECES.extend(fresh[at : at + PIECE] for at in range(0, len(fresh), PIECE))


def derived_id(*parts: str) -> str:
    """The same parts always give the same id; used for command ids of repeated work."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return _base32(int.from_bytes(digest[:20]), 32)


def derived_payment_id(moment: datetime, *parts: str) -> str:
    """Of the same shape and order as a new payment's, and the same for the same parts."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    milliseconds = max(0, int(moment.timestamp() * 1_000))
    return f"{PAYMENT}_{_base32(milliseconds << 80 | int.from_bytes(digest[:10]), 26)}"


def order_id(payment_id: str, attempt: int) -> str:
    """What the gateway calls an attempt: at most 50 characters of letters, digits, `-`, `_`
    (midtrans.md 3).
    """
    return f"{payment_id}-{attempt}"


def payment_of(order: str) -> tuple[str, int] | None:
    """The payment and attempt behind an order id of ours; None when it is not of our making."""
    payment_id, _, attempt = order.rpartition("-")
    if not payment_id.startswith(f"{PAYMENT}_") or not attempt.isdecimal():
        return None
    return payment_id, int(attempt)


# Two digits at a time.
_PAIRS: Final = tuple(first + second for first in ALPHABET for second in ALPHABET)


def _base32(number: int, length: int) -> str:
    """`length` is even."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(5 * (length - 2), -1, -10)])
