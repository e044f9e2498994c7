"""Pages by keyset: a cursor names the last row of a page, signed, so that none can be made up.

A cursor belongs to one listing (a list with its filters): on another it is refused.
"""

import base64
import hmac
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
from fastapi import Query

from ledger.errors import Rejected

DEFAULT_SIZE: Final = 50
LARGEST_SIZE: Final = 200
MAC_BYTES: Final = 16  # of HMAC-SHA-256; a guess succeeds once in 2^128
LONGEST_CURSOR: Final = 512

PageSize = Annotated[
    int, Query(ge=1, le=LARGEST_SIZE, alias="pageSize", description="Rows a page, at most.")
]
PageCursor = Annotated[
    str | None,
    Query(max_length=LONGEST_CURSOR, alias="cursor", description="`nextCursor` of the last page."),
]

Place = TypeVar("Place", bound=tuple[Any, ...])


class CursorInvalid(Rejected):
    code = "cursor_invalid"
    title = "This cursor was not given out for this list."


class Cursors:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, listing: str, place: tuple[Any, ...]) -> str:
        """`place` is what the rows are ordered by, of the last row shown."""
        payload = msgspec.json.encode(place)
        return _text(self._mac(listing, payload) + payload)

    def read(self, listing: str, cursor: str, place: type[Place]) -> Place:
        """`place` is the type of the tuple, as `tuple[datetime, str]`. Raises CursorInvalid."""
        signed = _bytes(cursor)
        mac, payload = signed[:MAC_BYTES], signed[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(listing, payload)):
            raise CursorInvalid()
        try:
            return cast(Place, msgspec.json.decode(payload, type=place))
        except msgspec.MsgspecError:
            raise CursorInvalid("This cursor was given out by an earlier version.") from None

    def _mac(self, listing: str, payload: bytes) -> bytes:
        signed = msgspec.json.encode(("cursor", listing)) + payload
        return hmac.digest(self._key, signed, "sha256")[:MAC_BYTES]


def _text(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def _bytes(cursor: str) -> bytes:
    try:
        signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except ValueError:
        raise CursorInvalid() from None
    # Base64 can say the same bytes in several ways; only ours is a cursor.
    if _text(signed) != cursor:
        raise CursorInvalid()
    return signed
