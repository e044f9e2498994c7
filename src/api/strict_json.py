"""JSON as we accept it: what Python's reader lets through and would cost us later is refused here.

Without it (reliability.md 0, item 6) NaN and lone surrogates were answered 500, NUL failed in the
database driver, and of repeated keys the last one won.
"""

import asyncio
import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

from fastapi import params
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from api import direct
from api.http_errors import UnsupportedMediaType
from ledger.errors import Rejected

DEEPEST: Final = 32
LONG: Final = 64 * 1024  # bytes
LARGEST_INTEGER: Final = 10**15
LONGEST_INTEGER: Final = len(str(-LARGEST_INTEGER))

UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class MalformedJson(Rejected):
    code = "malformed_json"
    title = "The body is not JSON in UTF-8."


class NumberNotFinite(Rejected):
    code = "json_number_not_finite"
    title = "NaN, Infinity and numbers too large for a double are not accepted."


class IntegerTooLarge(Rejected):
    code = "json_integer_too_large"
    title = "Integers go from -10^15 to 10^15."


class KeyRepeated(Rejected):
    code = "json_key_repeated"
    title = "An object has the same key twice."


class NulCharacter(Rejected):
    code = "nul_character"
    title = "The character NUL is not accepted in any text."


class LoneSurrogate(Rejected):
    code = "json_lone_surrogate"
    title = "A text has half of a surrogate pair, which is no character."


class NestedTooDeep(Rejected):
    code = "json_nested_too_deep"
    title = "Objects and lists nest at most 32 deep."


def read(body: bytes) -> Any:
    """The value of a JSON text. Raises one of the errors above; none of them holds the text."""
    try:
        value = _DECODER.decode(body.decode())
    except RecursionError:
        raise NestedTooDeep() from None
    except json.JSONDecodeError as error:
        raise MalformedJson(position=error.pos) from None
    except UnicodeDecodeError as error:
        raise MalformedJson("The body is not UTF-8.", position=error.start) from None
    # Only an escape can bring in NUL or half a pair, and depth takes brackets: most bodies pass.
    if b"\\u" in body or body.count(b"[") + body.count(b"{") > DEEPEST:
        _check(value)
    return value


def _integer(digits: str) -> int:
    # The length first: turning 60,000 digits into a number is slow, and Python refuses it.
    if len(digits) > LONGEST_INTEGER or abs(number := int(digits)) > LARGEST_INTEGER:
        raise IntegerTooLarge()
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NumberNotFinite()
    return number


def _constant(_: str) -> NoReturn:
    raise NumberNotFinite()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise KeyRepeated()
    return found


_DECODER: Final = json.JSONDecoder(
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
    object_pairs_hook=_object,
)


def _check(value: object) -> None:
    """Level by level, so that depth takes no recursion. A body may hold 30,000 values."""
    level, depth = [value], 0
    while level:
        inside: list[object] = []
        nested = False
        for node in level:
            if isinstance(node, str):
                _check_text(node)
            elif isinstance(node, dict):
                inside += node.keys()
                inside += node.values()
                nested = True
            elif isinstance(node, list):
                inside += node
                nested = True
        depth += nested
        if depth > DEEPEST:
            raise NestedTooDeep()
        level = inside


def _check_text(text: str) -> None:
    if found := UNSTORABLE.search(text):
        raise NulCharacter() if found[0] == "\x00" else LoneSurrogate()


class StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            # A long body is read in a thread, so that others are served meanwhile.
            self._json = await asyncio.to_thread(read, body) if len(body) > LONG else read(body)
        return self._json


class StrictRoute(APIRoute):
    """Use as `route_class` of every router: bodies are strict JSON, addresses hold no NUL."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle: direct.Handler = super().get_route_handler()
        if direct.is_direct(self):
            handle = direct.handler(self, otherwise=handle)
        field = self.body_field
        reads_json = field is not None and not isinstance(field.field_info, params.Form)

        async def strict(request: Request) -> Response:
            _check_address(request.scope)
            if reads_json:
                _check_media_type(request)
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def _check_address(scope: Scope) -> None:
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        raise NulCharacter()


def _check_media_type(request: Request) -> None:
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType()
