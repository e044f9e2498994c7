"""ETag and If-Match of what has a version: so that nobody changes what they have not seen."""

from typing import Annotated, Final

import msgspec
from fastapi import Depends, Header
from fastapi.responses import Response

ANY: Final = "*"


class _Versioned(msgspec.Struct):
    version: int


async def _if_match(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            pattern=r'^"[0-9]{1,9}"$|^\*$',
            description="The ETag of what was read. When it has changed since, nothing is done.",
        ),
    ] = None,
) -> int | None:
    """The version that is expected; None: any."""
    return int(if_match.strip('"')) if if_match and if_match != ANY else None


IfMatch = Annotated[int | None, Depends(_if_match)]


def etag(version: int) -> str:
    return f'"{version}"'


def tagged(answer: Response) -> Response:
    """With the ETag of what it shows, also when it was kept; a problem has none."""
    if answer.media_type == "application/json":
        shown = msgspec.json.decode(answer.body, type=_Versioned)
        answer.headers["ETag"] = etag(shown.version)
    return answer
