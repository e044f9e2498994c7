"""Pages by keyset: a cursor names the last row of a page, signed, so that none can be made up.

A cursor belongs to one listing (a list with its filters): on another it is refused.
"""

from typing import Annotated, Any, Final, TypeVar

from fastapi import Query

from api.signed import GivenOutEarlier, NotGivenOut, Signed
from ledger.errors import Rejected

DEFAULT_SIZE: Final = 50
LARGEST_SIZE: Final = 200
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
        self._signed = Signed(key, "cursor")

    def write(self, listing: str, place: tuple[Any, ...]) -> str:
        """`place` is what the rows are ordered by, of the last row shown."""
        return self._signed.write(listing, place)

    def read(self, listing: str, cursor: str, place: type[Place]) -> Place:
        """`place` is the type of the tuple, as `tuple[datetime, str]`. Raises CursorInvalid."""
        try:
            return self._signed.read(listing, cursor, place)
        except GivenOutEarlier:
            raise CursorInvalid("This cursor was given out by an earlier version.") from None
        except NotGivenOut:
            raise CursorInvalid() from None
