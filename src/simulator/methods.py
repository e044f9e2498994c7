"""The method table: every way to pay, named as Snap names it (midtrans.md 4.1, 7.1)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final, NamedTuple

from simulator.qris import qr_string
from simulator.transactions import Fields


class Refunding(Enum):
    NONE = "none"
    FULL = "full only"
    PARTIAL = "full or partial"


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction about to be made, as far as its method needs to know."""

    transaction_id: str
    amount: int
    merchant_id: str
    options: Fields  # the method's own object in the request
    url: str  # ours, without a slash at the end
    is_free: Callable[[str], bool]  # no open transaction holds this number


class Made(NamedTuple):
    detail: Fields  # shown by every answer and notice
    once: Fields  # shown by the charge alone
    numbers: tuple[str, ...] = ()  # what the customer types in to pay


Builder = Callable[[Draft], Made]


def digits(length: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(length))


# midtrans.md 4.3: a company prefix (made up), and how many digits after it a merchant may choose.
VA_NUMBERS: Final = {
    "bca": ("81278", 11),
    "bni": ("98885002", 8),
    "bri": ("85780", 13),
    "cimb": ("2810", 12),
    "permata": ("85000", 10),
    "danamon": ("8999", 12),
    "bsi": ("9347", 12),
    "seabank": ("18", 14),
    "saqu": ("8888", 12),
}
MANDIRI_BILLER: Final = "70012"


def _number(draft: Draft, prefix: str, length: int, wanted: str) -> str:
    """The wanted number, cut at the right or padded at the left; another one when it is taken."""
    custom = "".join(filter(str.isdigit, str(wanted)))[:length]
    number = prefix + custom.rjust(length, "0")
    while not custom or not draft.is_free(number):
        custom = digits(length)
        number = prefix + custom
    return number


def _va_number(draft: Draft, bank: str) -> str:
    prefix, length = VA_NUMBERS[bank]
    return _number(draft, prefix, length, draft.options.get("va_number") or "")


def _virtual_account(bank: str) -> Builder:
    def build(draft: Draft) -> Made:
        number = _va_number(draft, bank)
        return Made({"va_numbers": [{"bank": bank, "va_number": number}]}, {}, (number,))

    return build


def _permata(draft: Draft) -> Made:
    number = _va_number(draft, "permata")
    return Made({"permata_va_number": number}, {}, (number,))


def _mandiri_bill(draft: Draft) -> Made:
    key = _number(draft, "", 12, draft.options.get("bill_key") or "")
    return Made({"biller_code": MANDIRI_BILLER, "bill_key": key}, {}, (key,))


def _store(store: str, prefix: str, length: int) -> Builder:
    def build(draft: Draft) -> Made:
        code = _number(draft, prefix, length, "")
        return Made({"store": store, "payment_code": code}, {}, (code,))

    return build


def _action(name: str, url: str, method: str = "GET") -> Fields:
    return {"name": name, "method": method, "url": url}


def _gopay(draft: Draft) -> Made:
    own = f"{draft.url}/v2/{draft.transaction_id}"
    actions = [
        _action("generate-qr-code", f"{draft.url}/v2/gopay/{draft.transaction_id}/qr-code"),
        _action("generate-qr-code-v2", f"{draft.url}/v4/qris/gopay/{draft.transaction_id}/qr-code"),
        _action("deeplink-redirect", f"{draft.url}/gopay/ui/checkout/{draft.transaction_id}"),
        _action("get-status", f"{own}/status"),
        _action("cancel", f"{own}/cancel", "POST") | {"fields": []},
    ]
    return Made(
        {},
        {
            "actions": actions,
            "channel_response_code": "200",
            "channel_response_message": "Success",
        },
    )


def _deeplink(name: str, response_code: str) -> Builder:
    def build(draft: Draft) -> Made:
        link = _action("deeplink-redirect", f"{draft.url}/{name}/checkout/{draft.transaction_id}")
        return Made({}, {"actions": [link], "channel_response_code": response_code})

    return build


def _qris(draft: Draft) -> Made:
    acquirer = draft.options.get("acquirer") or "gopay"
    text = qr_string(draft.transaction_id, draft.amount, draft.merchant_id)
    actions = [
        _action("generate-qr-code", f"{draft.url}/v2/qris/{draft.transaction_id}/qr-code"),
        _action("generate-qr-code-v2", f"{draft.url}/v4/qris/{draft.transaction_id}/qr-code"),
    ]
    return Made({"acquirer": acquirer}, {"qr_string": text, "actions": actions})


def _ovo(draft: Draft) -> Made:
    return Made({"payer_phone_number": draft.options.get("payer_phone_number")}, {})


def _pay_later(folder: str, response_code: str | None) -> Builder:
    def build(draft: Draft) -> Made:
        url = f"{draft.url}/v2/{folder}/redirect/{draft.transaction_id}"
        return Made({}, {"redirect_url": url, "channel_response_code": response_code})

    return build


def _card(_: Draft) -> Made:
    return Made({}, {})  # the card itself decides: cards.py


@dataclass(frozen=True, slots=True)
class Method:
    payment_type: str
    expires_in: timedelta
    refunding: Refunding
    message: str
    build: Builder
    longest: timedelta = timedelta(days=180)
    shortest: timedelta = timedelta()
    own_expiry: bool = True  # custom_expiry counts
    fraud_screened: bool = True
    honours_key: bool = True  # Idempotency-Key, 1.4
    reversible: bool = False  # settlement -> deny by the bank, 11.1
    requires: tuple[str, ...] = ()  # what a charge must contain, besides the order


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
VA_MESSAGE = "Success, Bank Transfer transaction is created"
STORE_MESSAGE = "Success, cstore transaction is successful"
NO, ALL, PART = Refunding.NONE, Refunding.FULL, Refunding.PARTIAL


def _va(bank: str) -> Method:
    return Method("bank_transfer", DAY, NO, VA_MESSAGE, _virtual_account(bank))


# midtrans.md 4.1 (types, expiry, refunds), 4.2 to 4.10 (messages, fields), 11.4 (bounds). Where the
# documentation contradicts itself (20) the stricter reading stands: ShopeePay refunds in full only.
METHODS: Final = {
    "credit_card": Method(
        "credit_card",
        10 * MINUTE,
        PART,
        "Success, Credit Card transaction is successful",
        _card,
        own_expiry=False,
    ),
    "bca_va": _va("bca"),
    "bni_va": _va("bni"),
    "bri_va": _va("bri"),
    "cimb_va": _va("cimb"),
    "danamon_va": _va("danamon"),
    "bsi_va": _va("bsi"),
    "seabank_va": _va("seabank"),
    "saqu_va": _va("saqu"),
    "permata_va": Method(
        "bank_transfer",
        DAY,
        NO,
        "Success, PERMATA VA transaction is successful",
        _permata,
        honours_key=False,
        reversible=True,
    ),
    "echannel": Method(
        "echannel",
        DAY,
        NO,
        "OK, Mandiri Bill transaction is successful",
        _mandiri_bill,
        reversible=True,
        requires=("echannel.bill_info1", "echannel.bill_info2"),
    ),
    "gopay": Method("gopay", 15 * MINUTE, PART, "GoPay transaction is created", _gopay, 7 * DAY),
    "shopeepay": Method(
        "shopeepay",
        15 * MINUTE,
        ALL,
        "ShopeePay transaction is created",
        _deeplink("shopeepay", "0"),
        5 * DAY,
    ),
    "qris": Method("qris", 15 * MINUTE, PART, "QRIS transaction is created", _qris),
    "ovo": Method(
        "ovo",
        timedelta(seconds=65),
        ALL,
        "Ovo transaction is created",
        _ovo,
        own_expiry=False,
        requires=("ovo.payer_phone_number",),
    ),
    "dana": Method(
        "dana",
        15 * MINUTE,
        PART,
        "DANA transaction is created",
        _deeplink("dana", "0"),
        DAY,
        15 * MINUTE,
    ),
    "alfamart": Method("cstore", DAY, NO, STORE_MESSAGE, _store("alfamart", "", 16)),
    "indomaret": Method(
        "cstore",
        DAY,
        NO,
        STORE_MESSAGE,
        _store("indomaret", "30", 16),
        fraud_screened=False,
        honours_key=False,
        reversible=True,
    ),
    "akulaku": Method(
        "akulaku",
        2 * HOUR,
        PART,
        "Success, Akulaku transaction is created",
        _pay_later("akulaku", None),
        requires=("item_details", "customer_details"),
    ),
    "kredivo": Method(
        "kredivo",
        DAY,
        PART,
        "Kredivo transaction is created",
        _pay_later("oms", "OK"),
        requires=("item_details", "customer_details"),
    ),
}

# midtrans.md 4: which row a charge means, by payment type and the field that picks bank or store.
CHANNEL_FIELDS: Final = {"bank_transfer": "bank", "cstore": "store"}
CHARGEABLE: Final = {
    ("bank_transfer", "bca"): "bca_va",
    ("bank_transfer", "bni"): "bni_va",
    ("bank_transfer", "bri"): "bri_va",
    ("bank_transfer", "cimb"): "cimb_va",
    ("bank_transfer", "permata"): "permata_va",
    ("cstore", "alfamart"): "alfamart",
    ("cstore", "indomaret"): "indomaret",
    ("permata", ""): "permata_va",
    ("credit_card", ""): "credit_card",
    ("echannel", ""): "echannel",
    ("gopay", ""): "gopay",
    ("shopeepay", ""): "shopeepay",
    ("qris", ""): "qris",
    ("ovo", ""): "ovo",
    ("akulaku", ""): "akulaku",
    ("kredivo", ""): "kredivo",
}
# midtrans.md 4.1, 4.11: known to Midtrans, but not to be had through a charge.
NOT_ACTIVATED: Final = (
    "dana",
    "bca_klikpay",
    "bca_klikbca",
    "cimb_clicks",
    "danamon_online",
    "bri_epay",
    "uob_ezpay",
)
