"""Every key of ours, derived from one master key (HKDF-SHA-256, RFC 5869): one secret to keep.

The master key never touches the database. A label below makes its key: never edit one, add one.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.errors import Rejected

KEY_BYTES: Final = 32
LEAST_DISTINCT_BYTES: Final = 20  # 32 random bytes hold fewer less than once in 10^9 keys

KEY_PEPPER: Final = b"bukubesar/key-pepper/1"
CURSOR_KEY: Final = b"bukubesar/cursor-key/1"
QUOTE_KEY: Final = b"bukubesar/quote-key/1"
KEY_RING_MASTER: Final = b"bukubesar/key-ring-master/1"
SEAL_KEY: Final = b"bukubesar/seal-key/1"


class MasterKeyRefused(Rejected):
    code = "master_key_refused"
    title = "The master key is not 32 random bytes in base64."


@dataclass(frozen=True, slots=True)
class Secrets:
    key_pepper: bytes = field(repr=False)  # hashes API keys
    cursor_key: bytes = field(repr=False)  # signs page cursors
    quote_key: bytes = field(repr=False)  # signs quotes of changes to subscriptions
    key_ring_master: bytes = field(repr=False)  # wraps the data keys of persons
    seal_key: bytes = field(repr=False)  # signs seals, unless another key is set for it

    @classmethod
    def derived_from(cls, master_key: str) -> Self:
        """`master_key` is 32 random bytes in standard base64. Raises MasterKeyRefused."""
        master = decoded(master_key)
        return cls(
            key_pepper=_derive(master, KEY_PEPPER),
            cursor_key=_derive(master, CURSOR_KEY),
            quote_key=_derive(master, QUOTE_KEY),
            key_ring_master=_derive(master, KEY_RING_MASTER),
            seal_key=_derive(master, SEAL_KEY),
        )

    def __repr__(self) -> str:
        return "Secrets(***)"


def decoded(master_key: str) -> bytes:
    """Raises MasterKeyRefused."""
    try:
        master = base64.b64decode(master_key, validate=True)
    except (binascii.Error, ValueError):
        raise MasterKeyRefused("The master key is not base64.") from None
    if len(master) != KEY_BYTES:
        raise MasterKeyRefused("The master key is not 32 bytes long.", bytes=len(master))
    # Examples in documents and keys typed by hand repeat themselves; random bytes do not.
    if len(set(master)) < LEAST_DISTINCT_BYTES:
        raise MasterKeyRefused("The master key is not random.")
    return master


def _derive(master: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=label).derive(master)
