"""A merchant's request as a fault sees it: which kind, about which order, and how many-th of these."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from simulator.transactions import Fields

ABOUT_ONE: Final = re.compile(r"/v2/([^/]+)/(status|cancel|expire|approve|deny|refund)((?:/.*)?)")
DIGIT: Final = re.compile(r"\d")
BROWSERS: Final = ("token", "card/register")  # called by a customer's browser, without a server key


@dataclass(frozen=True, slots=True)
class Sight:
    method: str
    path: str
    kind: str  # `charge`, `status`, `refund/online/direct`, `snap/transactions`
    order_id: str  # empty when it is about no order
    nth: int  # of this method and kind for this order; the first is 1
    body: Fields

    @property
    def is_a_browsers(self) -> bool:
        shown = "redirect" in self.kind or self.kind.endswith("qr-code")
        return shown or self.kind in BROWSERS


def kind_of(path: str) -> str:
    """The path without its version and its ids."""
    about_one = ABOUT_ONE.fullmatch(path)
    if about_one:
        return about_one[2] + about_one[3].rstrip("/")
    return "/".join(part for part in path.split("/") if part and not DIGIT.search(part))


def id_of(path: str, body: Fields) -> str:
    """The id a request goes by: an order's, a transaction's, a Snap token, a subscription's name."""
    details = body.get("transaction_details")
    if isinstance(details, dict):
        return str(details.get("order_id", ""))
    if about_one := ABOUT_ONE.fullmatch(path):
        return about_one[1]
    if "transaction_id" in body:
        return str(body["transaction_id"])
    ids = [part for part in path.split("/")[2:] if DIGIT.search(part)]
    return ids[-1] if ids else str(body.get("name", ""))


def json_object(body: bytes) -> dict[str, Any]:
    """Empty when it is something else."""
    try:
        sent = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return sent if isinstance(sent, dict) else {}
