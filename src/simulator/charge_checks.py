"""What a bank or lender wants of a charge beyond its amount, and what only strictness refuses (3)."""

import re
from typing import Any, Final

from simulator.transactions import Fields
from simulator.wire import Invalid

ORDER_ID: Final = re.compile(r"[A-Za-z0-9\-_~.]+")
LONGEST_TEXT: Final = 255
LONGEST_PHONE: Final = 30
BNI_PHONE: Final = re.compile(r"(\+62|0)\d+")
ECHOED_TEXTS: Final = ("custom_field1", "custom_field2", "custom_field3")
PERSONAL: Final = ("first_name", "last_name", "email", "phone")


def check(body: Fields, method_name: str, *, strict: bool) -> None:
    """Raises `Invalid`. `strict` refuses what the documents forbid and the real sandbox is known to
    let pass (14, 18.3).
    """
    customer = body.get("customer_details")
    customer = customer if isinstance(customer, dict) else {}
    _check_lengths(body, customer)
    if method_name == "bni_va":
        _check_bni_phone(customer.get("phone"))
    if method_name == "akulaku":
        _check_ids(body.get("item_details"))
    if strict and method_name == "kredivo":
        _check_urls(body.get("item_details"))


def check_order_id(order_id: str, *, strict: bool) -> None:
    if strict and not ORDER_ID.fullmatch(order_id):
        raise Invalid("transaction_details.order_id may have letters, digits, - _ ~ and .")


def _check_lengths(body: Fields, customer: Fields) -> None:
    named = {name: body.get(name) for name in ECHOED_TEXTS}
    named |= {f"customer_details.{name}": customer.get(name) for name in PERSONAL}
    too_long = [name for name, text in named.items() if len(str(text or "")) > LONGEST_TEXT]
    if too_long:
        raise Invalid(*(f"{name} must be at most {LONGEST_TEXT} characters" for name in too_long))


def _check_bni_phone(phone: Any) -> None:
    fits = not phone or (BNI_PHONE.fullmatch(str(phone)) and len(str(phone)) <= LONGEST_PHONE)
    if not fits:
        raise Invalid("customer_details.phone must begin with +62 or 0, for BNI")


def _check_ids(items: Any) -> None:
    ids = [item.get("id") for item in items if isinstance(item, dict)] if items else []
    named = [one for one in ids if one is not None]
    if len({str(one) for one in named}) < len(named):
        raise Invalid("item_details.id must not be repeated, for Akulaku")


def _check_urls(items: Any) -> None:
    if not all(isinstance(item, dict) and item.get("url") for item in items or []):
        raise Invalid("item_details.url is required, for Kredivo")
