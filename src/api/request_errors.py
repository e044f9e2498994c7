"""What was wrong with a request's shape: where, and which rule; never what was sent.

A location may itself be something that was sent (an unknown field's name, a key of a map), so only
words of our own published description of the API are shown; any other reads `*`.
"""

from collections.abc import Iterator
from typing import Any, Final
from weakref import WeakKeyDictionary

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from ledger.errors import Rejected

SHOWN: Final = 32  # errors; a body of 64 KiB can hold thousands
PLACES: Final = frozenset({"body", "query", "path", "header", "cookie"})

_published: WeakKeyDictionary[FastAPI, frozenset[str]] = WeakKeyDictionary()


class RequestInvalid(Rejected):
    code = "request_invalid"
    title = "The request does not have the documented shape."


def request_invalid(
    error: RequestValidationError | ValidationError, app: FastAPI
) -> RequestInvalid:
    words = published_words(app)
    found = error.errors()
    shown = [
        {"location": _location(each["loc"], words), "rule": each["type"]} for each in found[:SHOWN]
    ]
    return RequestInvalid(f"Rules broken: {len(found)}.", errors=shown)


def published_words(app: FastAPI) -> frozenset[str]:
    """Names of fields, parameters and models in the OpenAPI document."""
    if app not in _published:
        _published[app] = PLACES | frozenset(_names(app.openapi()))
    return _published[app]


def _location(parts: tuple[Any, ...], words: frozenset[str]) -> str:
    return ".".join(str(part) if isinstance(part, int) or part in words else "*" for part in parts)


def _names(node: object) -> Iterator[str]:
    match node:
        case dict():
            for key, value in node.items():
                if key in ("properties", "schemas") and isinstance(value, dict):
                    yield from value
                if key == "name" and "in" in node and isinstance(value, str):
                    yield value
                yield from _names(value)
        case list():
            for item in node:
                yield from _names(item)
