"""What is asked of names, addresses and numbers of persons, and the form in which they are kept.

A refusal names the field and what it should look like, never what was sent.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ledger.customers.events import Field
from ledger.errors import Rejected

FIELDS: Final[tuple[Field, ...]] = ("name", "email", "phone", "npwp", "address")

EMAIL: Final = r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+"
LONGEST_EMAIL: Final = 254
# E.164 at once, or as Indonesians write their own numbers; spaces, dots, brackets and hyphens aside.
PHONE: Final = r"(?:\+[1-9]\d{6,14}|62[2-9]\d{6,11}|0[2-9]\d{6,11})"
IN_A_PHONE: Final = str.maketrans("", "", " .-()")
# compliance-id.md 1.5: 16 digits, or 15 as before 2024.
NPWP: Final = r"(?:\d{16}|\d{2}\.?\d{3}\.?\d{3}\.?\d-?\d{3}\.?\d{3})"
# The 16 digits of a person's NPWP are the NIK: province and district, then day (for women with 40
# added), month and year of birth, then a number.
PROVINCE: Final = r"(?:1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7])"
NIK: Final = PROVINCE + r"\d{4}(?:[04][1-9]|[1256]\d|[37][01])(?:0[1-9]|1[0-2])\d{6}"


class CustomerDetailsRefused(Rejected):
    code = "customer_details_refused"
    title = "Something said about the customer has not the form it must have."


class Details(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who a customer is, in clear: only ever in memory. Empty is what is not known."""

    name: str = ""
    email: str = ""
    phone: str = ""
    npwp: str = ""
    address: str = ""

    def __repr__(self) -> str:
        return "Details(***)"


def checked(details: Details) -> Details:
    """In the form in which it is kept; raises CustomerDetailsRefused."""
    said = msgspec.structs.asdict(details)
    return Details(**{name: CHECKS[name](text.strip()) for name, text in said.items() if text})


def is_nik(npwp: str) -> bool:
    """Whether it has a birthday in it, as no card number needs to."""
    return re.fullmatch(NIK, npwp, re.ASCII) is not None


def _name(text: str) -> str:
    return _require(
        text, "name", 0 < len(text) <= 255 and text.isprintable(), "1 to 255 characters"
    )


def _email(text: str) -> str:
    fits = len(text) <= LONGEST_EMAIL and re.fullmatch(EMAIL, text) is not None
    return _require(text, "email", fits, "one address, at most 254 characters")


def _phone(text: str) -> str:
    """E.164."""
    bare = text.translate(IN_A_PHONE)
    _require(text, "phone", re.fullmatch(PHONE, bare, re.ASCII) is not None, "as +628… or 08…")
    if bare.startswith("0"):
        return f"+62{bare[1:]}"
    return bare if bare.startswith("+") else f"+{bare}"


def _npwp(text: str) -> str:
    """Digits only."""
    _require(
        text,
        "npwp",
        re.fullmatch(NPWP, text, re.ASCII) is not None,
        "16 digits, or 15 as before 2024",
    )
    return re.sub(r"\D", "", text)


def _address(text: str) -> str:
    plain = text.replace("\r\n", "\n")
    fits = 0 < len(plain) <= 500 and plain.replace("\n", "").isprintable()
    return _require(plain, "address", fits, "1 to 500 characters")


def _require(text: str, field: Field, fits: bool, form: str) -> str:
    if not fits:
        raise CustomerDetailsRefused(f"The {field}: {form}.", field=field)
    return text


CHECKS: Final[Mapping[str, Callable[[str], str]]] = {
    "name": _name,
    "email": _email,
    "phone": _phone,
    "npwp": _npwp,
    "address": _address,
}
