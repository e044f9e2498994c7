"""How an API key looks: `bkb_<8 id>_<43 secret>_<6 checksum>`.

The prefix lets secret scanners find leaked keys, the id names the key where the key itself may not
stand, and the checksum refuses typing errors without asking the database. All parts are letters and
digits, so a double click selects the whole.
"""

import hashlib
import hmac
import re
import secrets
import string
from typing import Final, NamedTuple

from ledger.access.events import KeyedHash
from ledger.identity import ALPHABET

ALNUM: Final = string.ascii_letters + string.digits
SECRET_LENGTH: Final = 43  # 62^43 is just above 2^256
ID_LENGTH: Final = 8
CHECKSUM_LENGTH: Final = 6

ALGORITHM: Final = "hmac-sha-256"
PEPPER: Final = "key-pepper/1"  # its label in ledger/secrets.py

SHAPE: Final = re.compile(
    rf"bkb_([{ALPHABET}]{{{ID_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}_"
    rf"([A-Za-z0-9]{{{CHECKSUM_LENGTH}}})"
)


class PlainKey(NamedTuple):
    """A key in clear, only ever in memory; `text` is what its holder presents."""

    key_id: str
    text: str

    def __repr__(self) -> str:
        return f"PlainKey({self.key_id}, ***)"


def new_key() -> PlainKey:
    key_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
    secret = "".join(secrets.choice(ALNUM) for _ in range(SECRET_LENGTH))
    body = f"bkb_{key_id}_{secret}"
    return PlainKey(key_id, f"{body}_{_checksum(body)}")


def parse(presented: str) -> PlainKey | None:
    """None when it is not a key of ours, or was mistyped."""
    found = SHAPE.fullmatch(presented)
    if not found or _checksum(presented[: -CHECKSUM_LENGTH - 1]) != found[2]:
        return None
    return PlainKey(found[1], presented)


def keyed_hash(pepper: bytes, key: PlainKey) -> KeyedHash:
    """A slow hash buys nothing for a random secret (reliability.md 4.9)."""
    digest = hmac.digest(pepper, key.text.encode(), "sha256").hex()
    return KeyedHash(algorithm=ALGORITHM, pepper=PEPPER, digest=digest)


def same_hash(one: KeyedHash, other: KeyedHash) -> bool:
    """Made in another way, they are not comparable, and so not the same."""
    same_way = (one.algorithm, one.pepper) == (other.algorithm, other.pepper)
    return hmac.compare_digest(one.digest.encode(), other.digest.encode()) and same_way


def _checksum(body: str) -> str:
    # It guards against nothing but typing, so comparing it needs no constant time.
    number = int.from_bytes(hashlib.sha256(body.encode()).digest()[:8])
    letters = []
    for _ in range(CHECKSUM_LENGTH):
        number, index = divmod(number, len(ALNUM))
        letters.append(ALNUM[index])
    return "".join(letters)
