"""What we send: one charge or one hosted page, from the method's row of the catalogue (midtrans.md
3, 4, 7).
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final

from ledger.providers.port import ChargeOrder

Body = dict[str, Any]  # JSON


def charge(order: ChargeOrder, shop_url: str) -> Body:
    """POST /v2/charge. The row's own words win over what is derived here."""
    mapping = order.method.mapping
    body: Body = {"payment_type": mapping.payment_type, **_order(order), **_customer(order)}
    body |= _custom_expiry(order)
    if mapping.payment_type in DERIVED:
        body |= DERIVED[mapping.payment_type](order, shop_url)
    for name, fields in mapping.details.items():
        body[name] = {**body.get(name, {}), **fields}
    return body


def session(order: ChargeOrder, shop_url: str) -> Body:
    """POST /snap/v1/transactions."""
    card: Body = {"secure": True} | ({"type": "authorize"} if order.capture_later else {})
    body: Body = {**_order(order), **_customer(order), "credit_card": card, **_page_expiry(order)}
    if order.method.mapping.enabled_payments:
        body["enabled_payments"] = list(order.method.mapping.enabled_payments)
    if shop_url:
        body["callbacks"] = {"finish": shop_url}
    return body | order.method.mapping.details


def refund(refund_id: str, amount_minor: int, reason: str) -> Body:
    return {"refund_key": refund_id, "amount": amount_minor, "reason": reason[:255]}


def idempotency_key(order_id: str, operation: str) -> str:
    """One key for one effect: keys are shared by all endpoints and replay whatever the body says
    (1.4).
    """
    return hashlib.sha256(f"{order_id}\x1f{operation}".encode()).hexdigest()[:36]


def honours_key(order: ChargeOrder) -> bool:
    """1.4: Permata and Indomaret ignore keys, so we do not pretend to be protected."""
    details = order.method.mapping.details.values()
    channels = {str(fields.get(name)).lower() for fields in details for name in ("bank", "store")}
    return order.method.mapping.payment_type != "permata" and not channels & IGNORES_KEYS


IGNORES_KEYS: Final = {"permata", "indomaret"}


def _order(order: ChargeOrder) -> Body:
    details = {"order_id": order.order_id, "gross_amount": order.amount.minor}
    return {"transaction_details": details}


# The least that is needed: screening (cards), a loan (pay later), a form filled in (hosted page),
# the name that a
# teller or ATM shows (bank transfer; BNI refuses a charge for the form of its phone number, 3).
CUSTOMER_FIELDS: Final = {
    "card": ("name", "email", "phone"),
    "paylater": ("name", "email", "phone"),
    "hosted": ("name", "email", "phone"),
    "bank_transfer": ("name",),
}
LONGEST_NAME: Final = {"bank_transfer": 30}  # 3: BCA shows no more


def _customer(order: ChargeOrder) -> Body:
    family = order.method.family
    fields = {name: getattr(order.payer, name) for name in CUSTOMER_FIELDS.get(family, ())}
    name = fields.pop("name", "")[: LONGEST_NAME.get(family, 255)]
    first, _, last = name.partition(" ")
    details = {"first_name": first, "last_name": last.strip(), **fields}
    given = {field: value for field, value in details.items() if value}
    return {"customer_details": given} if given else {}


FIXED_EXPIRY: Final = ("credit_card", "ovo")  # 3: not supported, not customizable


def _custom_expiry(order: ChargeOrder) -> Body:
    seconds = order.expires_after_seconds
    if seconds is None or order.method.mapping.payment_type in FIXED_EXPIRY:
        return {}
    return {"custom_expiry": {"expiry_duration": seconds, "unit": "second"}}


def page_minutes(order: ChargeOrder) -> int:
    """How long a hosted page lives. Snap knows no seconds (3): round up, so that nobody is cut
    short.
    """
    seconds = order.expires_after_seconds or order.method.expiry_seconds
    return -(-seconds // 60)


def _page_expiry(order: ChargeOrder) -> Body:
    """Always said, so that the account's own setting does not decide (7.2); `expiry` also binds the
    method chosen.
    """
    lasting = {"duration": page_minutes(order), "unit": "minutes"}
    asked = {"expiry": lasting} if order.expires_after_seconds else {}
    return {"page_expiry": lasting, **asked}


def _card(order: ChargeOrder, _: str) -> Body:
    """A saved card is charged without its holder, so nobody could authenticate (4.2, one-click)."""
    if order.saved == "card":
        card: Body = {"token_id": order.saved_token, "authentication": False}
    else:
        card = {"token_id": order.card_token, "authentication": True}  # 17.18: always
    return {"credit_card": card | ({"type": "authorize"} if order.capture_later else {})}


def _bill(order: ChargeOrder, _: str) -> Body:
    return {"echannel": {"bill_info1": "Payment:", "bill_info2": order.product[:30]}}


def _store(order: ChargeOrder, _: str) -> Body:
    return {"cstore": {"message": order.product[:20]}}


def _phone(order: ChargeOrder, _: str) -> Body:
    return {"ovo": {"payer_phone_number": order.payer.phone}}


def _items(order: ChargeOrder, shop_url: str) -> Body:
    """One line that is the whole amount, as the sum must be (3). Kredivo wants a page of the goods,
    too.
    """
    item = {"id": "1", "price": order.amount.minor, "quantity": 1, "name": order.product[:50]}
    return {"item_details": [item | ({"url": shop_url[:50]} if shop_url else {})]}


def _gopay(order: ChargeOrder, shop_url: str) -> Body:
    if order.saved == "gopay":  # 9: a linked account, charged by us and not by its owner
        linked = {"account_id": order.account_id, "payment_option_token": order.saved_token}
        return {"gopay": {**linked, "recurring": True}}
    return {"gopay": {"enable_callback": True, "callback_url": shop_url}} if shop_url else {}


def _shopeepay(_: ChargeOrder, shop_url: str) -> Body:
    return {"shopeepay": {"callback_url": shop_url}} if shop_url else {}


DERIVED: Final[dict[str, Callable[[ChargeOrder, str], Body]]] = {
    "credit_card": _card,
    "echannel": _bill,
    "cstore": _store,
    "ovo": _phone,
    "gopay": _gopay,
    "shopeepay": _shopeepay,
    "akulaku": _items,
    "kredivo": _items,
}
