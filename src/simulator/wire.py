"""How Midtrans answers: body codes against HTTP statuses, error shapes, amounts as text."""

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.transactions import Fields

# midtrans.md 1.7: everything the application layer answered is HTTP 200, apart from these.
HTTP_STATUS: Final = {"400": 400, "401": 401, "429": 429, "500": 500, "503": 503}
LONGEST_BODY: Final = 16_000  # midtrans.md 1.3

NOT_FOUND: Final = ("404", "Transaction doesn't exist.")
NOT_ALLOWED: Final = ("412", "Transaction status cannot be updated.")
NO_KEY: Final = ("401", "Transaction cannot be authorized with the current client/server key.")
SERVER_ERROR: Final = (
    "500",
    "Sorry. Our system is recovering from unexpected issues. Please retry.",
)
DUPLICATE_ORDER: Final = (
    "406",
    "The request could not be completed due to a conflict with the current state of the target "
    "resource, please try again",
)


class Refusal(Exception):
    """An answer that is an error, in the Core API's shape (midtrans.md 1.8)."""

    def __init__(self, code: str, message: str, invalid: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.invalid = code, message, list(invalid)

    @property
    def body(self) -> Fields:
        body: Fields = {"status_code": self.code, "status_message": self.message}
        if self.invalid:
            body["validation_messages"] = self.invalid
        return body | {"id": str(uuid4())}


class Invalid(Refusal):
    def __init__(self, *messages: str) -> None:
        super().__init__("400", "One or more parameters in the payload is invalid.", messages)


class Json(JSONResponse):
    """ASCII with escapes, so that even a lone surrogate from a merchant finds its way back."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


def answer(body: Fields) -> Response:
    """`status_code` in the body decides the HTTP status."""
    return Json(body, HTTP_STATUS.get(body["status_code"], 200))


async def refused(_: Request, refusal: Exception) -> Response:
    """Starlette's handler for `Refusal`."""
    assert isinstance(refusal, Refusal)  # Starlette types the handler too widely
    return answer(refusal.body)


async def read_json(request: Request) -> Any:
    """The body, or None when there is none."""
    raw = await request.body()
    if len(raw) > LONGEST_BODY:
        raise Refusal("413", "Request payload is too large.")
    if not raw.strip():
        return None
    try:
        return json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal("413", "Malformed JSON.") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


async def read_form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))


def rupiah(amount: int) -> str:
    return f"{amount}.00"


def without_nulls(fields: Fields) -> Fields:
    """Midtrans leaves out what it does not know (midtrans.md 4.1)."""
    return {name: value for name, value in fields.items() if value is not None}
