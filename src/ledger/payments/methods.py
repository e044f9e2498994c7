"""The method catalogue: one row a method.

Read by routing, validation, fees, the adapter and the documentation.

Limits are midtrans.md 14 (wallets: a verified user's), expiry 3, 4.1 and 11.4, refunds 6, fees 15.
Tariffs are negotiated, so a contract's own rates belong here, as rows with their dates; those
marked unverified are quoted by others, not read in a document of Midtrans.
"""

from datetime import date
from typing import Any, Final

from ledger.errors import Rejected
from ledger.payments.method import (
    AmountAboveMaximum,
    AmountBelowMinimum,
    ExpiryOutOfBounds,
    Family,
    FeeRate,
    FeeUnknown,
    Mapping,
    Method,
    MethodNotInCountry,
    RefundRule,
    check_amount,
    check_country,
    expiry,
    fee_for,
)

__all__ = [
    "FAMILIES",
    "METHODS",
    "AmountAboveMaximum",
    "AmountBelowMinimum",
    "ExpiryOutOfBounds",
    "FeeRate",
    "FeeUnknown",
    "Mapping",
    "Method",
    "MethodNotInCountry",
    "MethodUnknown",
    "RefundRule",
    "check_amount",
    "check_country",
    "expiry",
    "fee_for",
    "method",
]

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
SHORTEST: Final = 20  # seconds; below this Midtrans refuses (midtrans.md 3, custom_expiry)
LONGEST: Final = 180 * DAY  # above this Midtrans trims without a word

NO_LIMIT: Final = 9_999_999_999_999  # thirteen digits, the most we read (compliance-id.md 8.4)
SINCE: Final = date(2025, 1, 1)

Lasting = tuple[int, int, int]  # seconds until expiry: default, shortest, longest
ONE_DAY: Final = (DAY, SHORTEST, LONGEST)


class MethodUnknown(Rejected):
    code = "method_unknown"
    title = "There is no such payment method."


def _row(
    code: str,
    name: str,
    family: Family,
    mapping: Mapping,
    *,
    takes: tuple[int, int],
    lasts: Lasting,
    fees: tuple[FeeRate, ...],
    refund: RefundRule,
    **more: Any,
) -> Method:
    return Method(
        code=code,
        name=name,
        family=family,
        mapping=mapping,
        minimum_minor=takes[0],
        maximum_minor=takes[1],
        expiry_seconds=lasts[0],
        expiry_seconds_minimum=lasts[1],
        expiry_seconds_maximum=lasts[2],
        fees=fees,
        refund=refund,
        **more,
    )


def _core(payment_type: str, **details: object) -> Mapping:
    return Mapping(
        api="core", payment_type=payment_type, details={payment_type: details} if details else {}
    )


def _snap(payment_type: str, *enabled: str) -> Mapping:
    return Mapping(api="snap", payment_type=payment_type, enabled_payments=enabled)


def _fee(*, basis_points: int = 0, fixed: int = 0) -> tuple[FeeRate, ...]:
    return (FeeRate(valid_from=SINCE, basis_points=basis_points, fixed_minor=fixed),)


CARD_FEE: Final = _fee(basis_points=290, fixed=2_000)
TRANSFER_FEE: Final = _fee(fixed=4_000)  # BCA: by agreement, 4,000 commonly quoted
STORE_FEE: Final = _fee(fixed=5_000)  # unverified; Indomaret: by agreement, 1,000 to 5,000 quoted
# Bank Indonesia's rate is final: no PPN is booked on it (compliance-id.md 9.5, Q04 to Q07).
QRIS_FEE: Final = (FeeRate(valid_from=SINCE, basis_points=70, ppn="none"),)

SIX_MONTHS: Final = 180  # days
NO_REFUND: Final = RefundRule(allowed="none")


def _full(days: int) -> RefundRule:
    return RefundRule(allowed="full", window_days=days)


def _parts(days: int) -> RefundRule:
    return RefundRule(allowed="full_or_partial", window_days=days)


# fmt: off
ROWS: Final = (
    # The card's ten minutes are for 3-D Secure; Midtrans takes no other expiry for cards.
    _row("credit_card", "Credit or debit card", "card", _core("credit_card"),
         takes=(10_000, 999_999_999), lasts=(10 * MINUTE, 10 * MINUTE, 10 * MINUTE),
         fees=CARD_FEE, refund=_parts(SIX_MONTHS),
         networks=("Visa", "Mastercard", "JCB", "American Express"), capture_later=True),

    _row("bca_va", "BCA Virtual Account", "bank_transfer", _core("bank_transfer", bank="bca"),
         takes=(10_000, 20_000_000_000), lasts=ONE_DAY,
         fees=TRANSFER_FEE, refund=NO_REFUND),
    _row("bni_va", "BNI Virtual Account", "bank_transfer", _core("bank_transfer", bank="bni"),
         takes=(1, NO_LIMIT), lasts=ONE_DAY,
         fees=TRANSFER_FEE, refund=NO_REFUND),
    _row("bri_va", "BRI Virtual Account", "bank_transfer", _core("bank_transfer", bank="bri"),
         takes=(1, 20_000_000_000), lasts=ONE_DAY,
         fees=TRANSFER_FEE, refund=NO_REFUND),
    _row("cimb_va", "CIMB Niaga Virtual Account", "bank_transfer",
         _core("bank_transfer", bank="cimb"), takes=(1, 250_000_000), lasts=ONE_DAY,
         fees=TRANSFER_FEE, refund=NO_REFUND),
    _row("permata_va", "Permata Virtual Account", "bank_transfer",
         _core("bank_transfer", bank="permata"), takes=(1, 9_999_999_999), lasts=ONE_DAY,
         fees=TRANSFER_FEE, refund=NO_REFUND, reversible=True),
    _row("mandiri_bill", "Mandiri Bill Payment", "bank_transfer",
         _core("echannel", bill_info1="Payment:", bill_info2="Online purchase"),
         takes=(1, 50_000_000_000), lasts=ONE_DAY,
         fees=TRANSFER_FEE, refund=NO_REFUND, reversible=True),

    _row("gopay", "GoPay", "e_wallet", _core("gopay"),
         takes=(1, 20_000_000), lasts=(15 * MINUTE, SHORTEST, 7 * DAY),
         fees=_fee(basis_points=200), refund=_parts(45)),
    # Fee unverified. Partial refunds: the API page says no, the FAQ yes; we take the API page.
    _row("shopeepay", "ShopeePay", "e_wallet", _core("shopeepay"),
         takes=(1, 20_000_000), lasts=(15 * MINUTE, SHORTEST, 5 * DAY),
         fees=_fee(basis_points=200), refund=_full(365)),
    # Fee unverified, 1.5 % to 2 %. The expiry is OVO's own and cannot be asked for.
    _row("ovo", "OVO", "e_wallet", _core("ovo"),
         takes=(1, 99_999_999), lasts=(65, 65, 65),
         fees=_fee(basis_points=200), refund=_full(7), payer_needed=("phone",)),
    # Fee unverified, 1.5 % to 2 %. DANA has no Core API charge.
    _row("dana", "DANA", "e_wallet", _snap("dana", "dana"),
         takes=(1, 20_000_000), lasts=(15 * MINUTE, 15 * MINUTE, DAY),
         fees=_fee(basis_points=200), refund=_parts(45)),
    # LinkAja is reached by QRIS only, so the cap (not the wallet's 20,000,000), the fee and the
    # refund window off-us of QRIS hold.
    _row("linkaja", "LinkAja", "e_wallet", _core("qris", acquirer="gopay"),
         takes=(1, 10_000_000), lasts=(15 * MINUTE, SHORTEST, 5 * DAY),
         fees=QRIS_FEE, refund=_parts(7)),

    # The shorter longest expiry of the two acquirers. Refunds: 45 days on-us; off-us it is 7 days,
    # known only when paid, and then the gateway refuses.
    _row("qris", "QRIS", "qr", _core("qris", acquirer="gopay"),
         takes=(1, 10_000_000), lasts=(15 * MINUTE, SHORTEST, 5 * DAY),
         fees=QRIS_FEE, refund=_parts(45)),

    # In cash the till stops at 2,500,000; up to 5,000,000 goes cashless.
    _row("alfamart", "Alfamart", "convenience_store", _core("cstore", store="alfamart"),
         takes=(1, 5_000_000), lasts=ONE_DAY,
         fees=STORE_FEE, refund=NO_REFUND),
    _row("indomaret", "Indomaret", "convenience_store", _core("cstore", store="indomaret"),
         takes=(10_000, 5_000_000), lasts=ONE_DAY,
         fees=STORE_FEE, refund=NO_REFUND, reversible=True),

    # Fees unverified; the upper limit is the user's own credit line.
    _row("akulaku", "Akulaku PayLater", "paylater", _core("akulaku"),
         takes=(5_000, NO_LIMIT), lasts=(2 * HOUR, SHORTEST, LONGEST),
         fees=_fee(basis_points=170), refund=_parts(SIX_MONTHS),
         payer_needed=("name", "email", "phone")),
    _row("kredivo", "Kredivo", "paylater", _core("kredivo"),
         takes=(1, NO_LIMIT), lasts=ONE_DAY,
         fees=_fee(basis_points=200), refund=_parts(14),
         payer_needed=("name", "email", "phone")),

    # The payer picks on Midtrans' page, so limits and refunds are the widest and the fee is the
    # card's, the dearest. No list of enabled payments means all that the account has. The page
    # lives five minutes to seven days (midtrans.md 7.2).
    _row("snap", "Midtrans payment page", "hosted", _snap("snap"),
         takes=(1, NO_LIMIT), lasts=(DAY, 5 * MINUTE, 7 * DAY),
         fees=CARD_FEE, refund=_parts(365)),
)
# fmt: on

METHODS: Final[dict[str, Method]] = {row.code: row for row in ROWS}


def _family(family: Family) -> tuple[str, ...]:
    return tuple(row.code for row in ROWS if row.family == family)


# What a caller may ask for instead of one method; routing picks within it.
FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "bank_transfer": _family("bank_transfer"),
    "virtual_account": tuple(code for code in _family("bank_transfer") if code.endswith("_va")),
    "e_wallet": _family("e_wallet"),
    "convenience_store": _family("convenience_store"),
    "paylater": _family("paylater"),
}


def method(code: str) -> Method:
    if code not in METHODS:
        raise MethodUnknown(
            "GET /payment-methods lists what there is.", known=[*METHODS, *FAMILIES]
        )
    return METHODS[code]


# The row named like a type, else its first one, stands for it: banks and stores of one type have
# one fee and refund rule.
_NAMED_FIRST: Final = sorted(ROWS, key=lambda row: row.code != row.mapping.payment_type)
_BY_TYPE: Final = {
    row.mapping.payment_type: row for row in reversed(_NAMED_FIRST) if row.family != "hosted"
}


def paid_by(code: str, payment_type: str) -> Method:
    """The row that fees and refunds go by: what the payer chose on the hosted page, or QRIS when
    another app scanned the QR.

    `payment_type` is the gateway's word for how it was paid (midtrans.md 4.5, 7); empty when it is
    not known.
    """
    chosen = METHODS[code].family == "hosted" or payment_type == "qris"
    return _BY_TYPE.get(payment_type, METHODS[code]) if chosen else METHODS[code]
