"""The body of a problem (RFC 9457): JSON whatever the context holds, its keys in camelCase."""

import json
import math
from collections.abc import Mapping, Set
from datetime import date
from enum import Enum
from typing import Final

import msgspec

from ledger.errors import LedgerError

RESERVED: Final = frozenset({"type", "title", "status", "detail", "instance"})
SAFE_INTEGER: Final = 2**53 - 1  # beyond it many JSON readers round


def problem_body(error: LedgerError, status: int, instance: str = "") -> bytes:
    """`instance` is the id of the request. A context key that RFC 9457 has taken gets a prefix."""
    plain = problem_plain(error, status, instance)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()


def problem_plain(error: LedgerError, status: int, instance: str = "") -> dict[str, object]:
    """The same as plain values, for a problem that is a part of an answer."""
    body: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": status,
        "detail": error.detail,
    }
    if instance:
        body["instance"] = instance
    for key, value in error.context.items():
        body[camel_case(f"context_{key}" if key in RESERVED else key)] = value
    return {key: _plain(value) for key, value in body.items()}


def camel_case(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(word.capitalize() for word in others)


def _plain(value: object) -> object:
    match value:
        case Mapping():
            return {camel_case(str(_scalar(key))): _plain(item) for key, item in value.items()}
        case list() | tuple() | Set():
            return [_plain(item) for item in value]
        case msgspec.Struct():
            return _plain(msgspec.structs.asdict(value))
    return _scalar(value)


def _scalar(value: object) -> object:
    """What JSON can say: no NaN, no lone surrogate, no number that a reader would round."""
    match value:
        case Enum():
            return _scalar(value.value)
        case None | bool():
            return value
        case int():
            return value if abs(value) <= SAFE_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else None
        case date():  # and datetime
            return value.isoformat()
    return str(value).encode("utf-8", "replace").decode()
