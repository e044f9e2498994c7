"""Small values that are given out and taken back as text: signed, so that none can be made up, and not
kept here.
"""

import base64
import hmac
from typing import Any, Final, TypeVar, cast

import msgspec

MAC_BYTES: Final = 16  # of HMAC-SHA-256; a guess succeeds once in 2^128

Value = TypeVar("Value", bound=tuple[Any, ...])


class NotGivenOut(Exception):
    """This text is none of ours, or not for this use."""


class GivenOutEarlier(NotGivenOut):
    """It is ours, but of another version of this program."""


class Signed:
    """`label` keeps texts of different kinds apart that are signed with the same key."""

    def __init__(self, key: bytes, label: str) -> None:
        self._key = key
        self._label = label

    def write(self, use: str, value: tuple[Any, ...]) -> str:
        payload = msgspec.json.encode(value)
        return _text(self._mac(use, payload) + payload)

    def read(self, use: str, text: str, shape: type[Value]) -> Value:
        """`shape` is the type of the tuple, as `tuple[datetime, str]`. Raises NotGivenOut."""
        signed = _bytes(text)
        mac, payload = signed[:MAC_BYTES], signed[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(use, payload)):
            raise NotGivenOut()
        try:
            return cast(Value, msgspec.json.decode(payload, type=shape))
        except msgspec.MsgspecError:
            raise GivenOutEarlier() from None

    def _mac(self, use: str, payload: bytes) -> bytes:
        signed = msgspec.json.encode((self._label, use)) + payload
        return hmac.digest(self._key, signed, "sha256")[:MAC_BYTES]


def _text(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        signed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raise NotGivenOut() from None
    # Base64 can say the same bytes in several ways; only ours is one that we gave out.
    if _text(signed) != text:
        raise NotGivenOut()
    return signed
