"""AES-256-GCM over one field of one person; a ciphertext that was moved elsewhere does not open.

NIST SP 800-38D 8.3 allows 2^32 random nonces a key; a person's key meets a handful.
"""

import base64
import binascii
import os
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import LedgerError
from ledger.privacy.sealed import Sealed

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


class SealBroken(LedgerError):
    code = "seal_broken"
    title = "Sealed personal data was changed, or stands where it does not belong."


def seal(
    cipher: AESGCM, text: str, *, subject: str, key_version: int, field: str, stream: str = ""
) -> Sealed:
    nonce = os.urandom(NONCE_BYTES)
    place = _place(subject, key_version, field, stream)
    return Sealed(
        subject=subject,
        key_version=key_version,
        nonce=base64.b64encode(nonce).decode(),
        ciphertext=base64.b64encode(cipher.encrypt(nonce, text.encode(), place)).decode(),
    )


def open_seal(cipher: AESGCM, sealed: Sealed, *, field: str, stream: str = "") -> str:
    """Raises SealBroken when the ciphertext was altered or sealed for another place."""
    try:
        nonce = base64.b64decode(sealed.nonce, validate=True)
        ciphertext = base64.b64decode(sealed.ciphertext, validate=True)
        place = _place(sealed.subject, sealed.key_version, field, stream)
        return cipher.decrypt(nonce, ciphertext, place).decode()
    except (InvalidTag, binascii.Error, ValueError):
        raise SealBroken(field=field) from None


def wrap(master: AESGCM, key: bytes, *, subject: str, version: int) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + master.encrypt(nonce, key, _place("data key", subject, version))


def unwrap(master: AESGCM, wrapped: bytes, *, subject: str, version: int) -> bytes:
    """Raises SealBroken when it was wrapped by another master key or for another subject."""
    nonce, ciphertext = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        return master.decrypt(nonce, ciphertext, _place("data key", subject, version))
    except (InvalidTag, ValueError):
        raise SealBroken("A data key does not open with this master key.") from None


def _place(*parts: str | int) -> bytes:
    """Associated data; JSON, so that no two lists of parts give the same bytes."""
    return msgspec.json.encode(parts)
