"""What is known about a card by its first digits, and the BIN API (midtrans.md 5, 13)."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.cards import CARDS, DEBIT
from simulator.clock import Clock
from simulator.endpoint import require_server_key
from simulator.gateway import Gateway
from simulator.transactions import Fields
from simulator.wire import Json, Refusal

AT_MOST: Final = 100  # in the window; then 409, not 429 (1.6)
WINDOW: Final = timedelta(minutes=1)
SHORTEST: Final = 6
LONGEST: Final = 8
NOT_FOUND: Final = {"errors": [{"message_title": "not found", "message": "not found"}]}
NO_KEY: Final = (
    "Access denied due to unauthorized transaction, please check client key or server key"
)

BANKS: Final = {
    "bca": "bank central asia",
    "bni": "bank negara indonesia",
    "bri": "bank rakyat indonesia",
    "cimb": "bank cimb niaga",
    "mandiri": "bank mandiri",
    "maybank": "bank maybank indonesia",
    "mega": "bank mega",
    "test": "issuer of test cards",  # ours: nobody says who issues the other cards of 13
}
# midtrans.md 13, "Issuer-specific", and the sample of 5.
ISSUERS: Final = {
    "bca": "45563300 47737760 52299031 47737752 52299034",
    "bni": "41050586 52642210 19464159 41050541 52642235",
    "bri": "43650263 55200298 43650286 55200219",
    "cimb": "45992078 54811698 45992060 54811691",
    "mandiri": "46170069 55733810 40976611 46170085 55733840",
    "maybank": "40557720 55200867 40557796 55200883",
    "mega": "42019100 52210300",
    "test": " ".join(sorted({number[:8] for number in CARDS})),
}
BRANDS: Final = (
    ("19", "private label"),
    ("34", "amex"),
    ("35", "jcb"),
    ("37", "amex"),
    ("4", "visa"),
    ("5", "mastercard"),
    ("6", "cup"),
)


class Bin(NamedTuple):
    digits: str
    brand: str
    kind: str
    bank_code: str

    @property
    def view(self) -> Fields:
        return {
            "country_name": "Indonesia",
            "country_code": "id",
            "brand": self.brand,
            "bin_type": self.kind,
            "bin_class": "gold",
            "bin": self.digits,
            "bank_code": self.bank_code,
            "bank": BANKS[self.bank_code],
        }


def _known() -> dict[str, Bin]:
    known: dict[str, Bin] = {}
    for bank_code, prefixes in ISSUERS.items():
        for digits in prefixes.split():
            brand = next(name for start, name in BRANDS if digits.startswith(start))
            kind = "debit" if DEBIT.startswith(digits) else "credit"
            known.setdefault(digits, Bin(digits, brand, kind, bank_code))
    return known


KNOWN: Final = _known()


def bin_of(digits: str) -> Bin | None:
    """By a card's number, or by its first 6 to 8 digits; the first that fits."""
    wanted = digits[:LONGEST]
    if not (wanted.isdecimal() and len(wanted) >= SHORTEST):
        return None
    return next((known for prefix, known in KNOWN.items() if prefix.startswith(wanted)), None)


class Meter:
    """How many look-ups the last minute saw."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: deque[datetime] = deque()

    def allows_one_more(self) -> bool:
        now = self._clock.now()
        while self._seen and now - self._seen[0] >= WINDOW:
            self._seen.popleft()
        if len(self._seen) >= AT_MOST:
            return False
        self._seen.append(now)
        return True


async def look_up(request: Request) -> Response:
    gateway: Gateway = request.app.state.gateway
    if not _has_a_key(request, gateway):
        return PlainTextResponse(NO_KEY, 401)
    meter: Meter = request.app.state.bin_meter
    if not meter.allows_one_more():
        return Json({"message": "API rate limit exceeded"}, 409)
    digits = request.path_params["bin"]
    found = bin_of(digits) if len(digits) <= LONGEST else None
    return Json({"data": found.view} if found else NOT_FOUND, 200 if found else 404)


def _has_a_key(request: Request, gateway: Gateway) -> bool:
    """The server key, or the client key in its place."""
    for key in (gateway.config.server_key, gateway.config.client_key):
        try:
            require_server_key(request.headers, key)
        except Refusal:
            continue
        return True
    return False


routes: Final = [Route("/v1/bins/{bin}", look_up)]
