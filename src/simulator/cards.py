"""The sandbox's test cards, and the tokens that stand for them (midtrans.md 5, 13)."""

import secrets
import string
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple
from uuid import uuid4

from simulator.clock import WIB, Clock
from simulator.transactions import Status
from simulator.wire import Invalid, Refusal

OTP: Final = "112233"
TOKEN_LASTS: Final = timedelta(minutes=3)
POINTS: Final = 10_000  # midtrans.md 5, the sample's balance
DEBIT: Final = "4097661111111113"
TOKEN_QUERY: Final = ("card_number", "card_exp_month", "card_exp_year")


class Page(Enum):
    """What a customer meets on the 3-D Secure page."""

    NONE = "not enrolled: no page"
    OTP = "asks for a one-time password"
    FRICTIONLESS = "decides by itself"
    SLOW = "decides a minute later"
    UNSUPPORTED = "3-D Secure 1 only: refused"


class Verdict(NamedTuple):
    status: Status
    fraud_status: str
    code: str | None = None  # channel_response_code
    words: str = ""


ACCEPT: Final = Verdict(Status.CAPTURE, "accept", "00", "Approved")
CHALLENGE: Final = Verdict(Status.CAPTURE, "challenge", "00", "Approved")
FRAUD: Final = Verdict(Status.DENY, "deny", None, "Denied by Veritrans Fraud Detection System")
REFUSED: Final = Verdict(Status.DENY, "accept", "05", "Do not honour")
NO_SUCH_CARD: Final = Verdict(Status.DENY, "accept", "14", "Invalid card number")
NO_FUNDS: Final = Verdict(Status.DENY, "accept", "51", "Insufficient funds")
OFFLINE_ONLY: Final = Verdict(Status.DENY, "accept", "57", "Transaction not permitted")
NOT_AUTHENTICATED: Final = Verdict(Status.DENY, "accept", None, "Card is not authenticated.")


class Scenario(NamedTuple):
    page: Page
    verdict: Verdict
    above: int = 0  # the verdict holds for larger amounts only; others are accepted


# midtrans.md 13. Codes that it does not name (offline-only, unlisted numbers) are our reading of
# 12.3.
SCENARIOS: Final = (
    (
        Scenario(Page.OTP, ACCEPT),
        """4811 1111 1111 1114, 5211 1111 1111 1117, 3528 2033 2456 4357, 3701 9216 9722 458,
        6212 4878 9242 5802, 4617 0069 5974 6656, 5573 3810 7219 6900, 4097 6611 1111 1113,
        4599 2078 8712 2414, 5481 1698 1883 2479, 4105 0586 8948 1467, 5264 2210 3887 4659,
        1946 4159 8148 7684, 4773 7760 5705 1650, 5229 9031 3685 3172, 4365 0263 3573 7199,
        5520 0298 7089 9100, 4201 9100 0000 0009, 5221 0300 0000 0009, 4055 7720 2603 6004,
        5520 0867 5210 2334, 4916 9940 6425 2017, 5306 8899 4283 3340, 3486 3826 7931 507""",
    ),
    (
        Scenario(Page.OTP, REFUSED),
        """4911 1111 1111 1113, 5111 1111 1111 1118, 3528 5129 4493 2269, 3742 9635 4400 881,
        6212 4841 2968 7072, 4617 0085 6083 1760, 5573 3840 4322 4447, 4599 2060 0973 3090,
        5481 1691 9178 2739, 4105 0541 4854 1363, 5264 2235 3013 1711, 4773 7752 0201 1809,
        5229 9034 0542 3830, 4365 0286 6251 2583, 5520 0219 0920 3008, 4201 9100 0000 0025,
        5221 0300 0000 0025, 4055 7796 2846 0474, 5520 0883 1465 3770""",
    ),
    (
        Scenario(Page.NONE, ACCEPT),
        """4411 1111 1111 1118, 5410 1111 1111 1116, 3528 8680 4786 4225, 3737 4772 6661 940,
        6212 4895 0662 1198""",
    ),
    (
        Scenario(Page.NONE, FRAUD),
        """4611 1111 1111 1116, 5411 1111 1111 1115, 3528 1852 6717 1623, 3780 9621 8340 018,
        6212 4825 3517 8193 972""",
    ),
    (
        Scenario(Page.NONE, REFUSED),
        """4711 1111 1111 1115, 5511 1111 1111 1114, 3528 9097 7983 7631, 3703 5609 7975 856,
        6212 4842 2863 5865""",
    ),
    (Scenario(Page.NONE, CHALLENGE), "4511 1111 1111 1117, 5510 1111 1111 1115"),
    (
        Scenario(Page.FRICTIONLESS, ACCEPT),
        "4556 5579 5572 6624, 4024 0071 8944 9340, 5333 2591 5564 3223, 3415 0209 8634 895",
    ),
    (
        Scenario(Page.FRICTIONLESS, NOT_AUTHENTICATED),
        """4485 4364 5535 4151, 5328 7203 8458 2224, 3456 9539 9207 589,
        4716 1250 5984 7899, 5250 5486 9206 9390, 3794 5219 9603 6850""",
    ),
    (
        Scenario(Page.OTP, NOT_AUTHENTICATED),
        "4604 6331 9421 9929, 5424 1840 4982 1670, 3720 2110 6351 394",
    ),
    (
        Scenario(Page.SLOW, ACCEPT),
        "4024 0071 7626 5022, 5487 9716 3133 0522, 3451 9777 1649 926",
    ),
    (
        Scenario(Page.UNSUPPORTED, ACCEPT),
        "4723 2494 7908 2225, 5555 6666 7777 1111, 3419 1845 3225 3540",
    ),
    (Scenario(Page.NONE, NO_FUNDS), "4472 4298 6999 6670"),
    (Scenario(Page.NONE, NO_FUNDS, above=30_000), "4806 0000 0000 0081"),
    (Scenario(Page.NONE, OFFLINE_ONLY), "4705 8595 1098 4866, 5597 5189 2656 1951"),
)
CARDS: Final = {
    number.replace(" ", "").strip(): scenario
    for scenario, numbers in SCENARIOS
    for number in numbers.replace("\n", "").split(",")
}
UNKNOWN_CARD: Final = Scenario(Page.NONE, NO_SUCH_CARD)


def page(number: str) -> Page:
    return CARDS.get(number, UNKNOWN_CARD).page


def verdict(number: str, amount: int, *, authenticated: bool) -> Verdict:
    """What happens to the money once 3-D Secure is over, or was never asked for."""
    scenario = CARDS.get(number, UNKNOWN_CARD)
    never_asked = scenario.verdict is NOT_AUTHENTICATED and not authenticated
    return ACCEPT if never_asked or amount <= scenario.above else scenario.verdict


def masked(number: str) -> str:
    return f"{number[:8]}-{number[-4:]}"


def passes_luhn(number: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


@dataclass(frozen=True, slots=True)
class Token:
    number: str
    good_until: datetime


class Vault:
    """One-time tokens, good for three minutes, and saved ones, good for as long as the card is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._one_time: dict[str, Token] = {}
        self._saved: dict[str, Token] = {}
        self._valid_until: dict[str, datetime] = {}  # by number, as the holder said last
        self._points: dict[str, int] = {}

    def tokenize(self, query: Mapping[str, str]) -> str:
        """A one-time token for a card, or for a saved card whose CVV was asked again."""
        again = query.get("token_id", "")
        number = self.number(again) if again in self._saved else self.read(query)
        token_id = f"{masked(number)}-{uuid4()}"
        self._one_time[token_id] = Token(number, self._clock.now() + TOKEN_LASTS)
        return token_id

    def save(self, number: str) -> str:
        letters = string.ascii_letters + string.digits
        middle = "".join(secrets.choice(letters) for _ in range(20))
        saved = f"{number[:8]}{middle}{number[-4:]}"
        self._saved[saved] = Token(number, self._valid_until[number])
        return saved

    def read(self, query: Mapping[str, str]) -> str:
        """A card's number, as its holder typed it."""
        number = checked(query, self._clock.now())
        self._valid_until[number] = valid_until(query)
        return number

    def saved_until(self, saved: str) -> datetime:
        return self._saved[saved].good_until

    def number(self, token_id: str) -> str:
        token = self._one_time.get(token_id) or self._saved.get(token_id)
        if token and token.good_until >= self._clock.now():
            return token.number
        raise Refusal("411", "Token id is missing, invalid, or timed out")

    def points(self, number: str) -> int:
        """What the card's points are worth, in rupiah."""
        return self._points.get(number, POINTS)

    def redeem(self, number: str, amount: int) -> None:
        self._points[number] = self.points(number) - amount

    def use_up(self, token_id: str) -> None:
        self._one_time.pop(token_id, None)


def valid_until(query: Mapping[str, str]) -> datetime:
    """The last day of its last month, as `saved_token_id_expired_at` tells it (midtrans.md 4.2)."""
    year, month = min(int(query["card_exp_year"]), 9_999), int(query["card_exp_month"])
    return datetime(year, month, monthrange(year, month)[1], 7, tzinfo=WIB)


def checked(query: Mapping[str, str], now: datetime) -> str:
    """The card's number, or why it cannot be used (midtrans.md 5)."""
    missing = [f"{name} is required" for name in TOKEN_QUERY if not query.get(name)]
    if missing:
        raise Invalid(*missing)
    number = query["card_number"].replace(" ", "")
    if not (number.isdecimal() and 13 <= len(number) <= 19 and passes_luhn(number)):
        raise Invalid("card_number does not match with luhn algorithm")
    month, year = query["card_exp_month"], query["card_exp_year"]
    if not (month.isdecimal() and year.isdecimal() and 1 <= int(month) <= 12):
        raise Invalid("card_exp_month and card_exp_year must be a month and a year")
    if int(year) < now.year:
        raise Invalid("card_exp_year must be greater than this year")
    if (int(year), int(month)) < (now.year, now.month):
        raise Invalid("card_exp_month must be greater than this year's month")
    return number
