"""What the payer has to do next, in words (English and Bahasa Indonesia) and as data: one row a
kind of instruction.
"""

from typing import Any, Final, NamedTuple

from ledger import clock
from ledger.money import Money
from ledger.payments.events import Instructions
from ledger.payments.life import Status
from ledger.payments.payment import Payment


class Words(NamedTuple):
    type: str
    en: str
    id: str


WORDS: Final = {
    "virtual_account": Words(
        "pay_virtual_account",
        "Transfer {amount} to {bank} virtual account {account_number} before {deadline}.",
        "Transfer {amount} ke virtual account {bank} {account_number} sebelum {deadline}.",
    ),
    "bill": Words(
        "pay_bill",
        "Pay {amount} at Mandiri with biller code {biller_code} and bill key {bill_key}"
        " before {deadline}.",
        "Bayar {amount} melalui Mandiri dengan kode perusahaan {biller_code} dan kode bayar"
        " {bill_key} sebelum {deadline}.",
    ),
    "qr": Words(
        "scan_qr",
        "Scan the QR code with a banking or wallet app and pay {amount} before {deadline}.",
        "Pindai kode QR dengan aplikasi bank atau dompet digital dan bayar {amount}"
        " sebelum {deadline}.",
    ),
    "deeplink": Words(
        "open_app",
        "Open the wallet app with the link and approve {amount} before {deadline}.",
        "Buka aplikasi dompet digital melalui tautan dan setujui pembayaran {amount}"
        " sebelum {deadline}.",
    ),
    "payment_code": Words(
        "pay_at_store",
        "Show payment code {payment_code} at the {store} counter and pay {amount}"
        " before {deadline}.",
        "Tunjukkan kode pembayaran {payment_code} di kasir {store} dan bayar {amount}"
        " sebelum {deadline}.",
    ),
    "redirect": Words(
        "open_page",
        "Open the payment page and finish paying {amount} before {deadline}.",
        "Buka halaman pembayaran dan selesaikan pembayaran {amount} sebelum {deadline}.",
    ),
    "push": Words(
        "approve_in_app",
        "Approve {amount} in the app on the phone before {deadline}.",
        "Setujui pembayaran {amount} di aplikasi pada ponsel sebelum {deadline}.",
    ),
    "none": Words(
        "wait",
        "Nothing to do; the payment is being processed.",
        "Tidak perlu tindakan; pembayaran sedang diproses.",
    ),
}

BY_STATUS: Final = {
    Status.REQUESTED: Words(
        "wait",
        "Nothing to do yet; the payment is being prepared.",
        "Belum perlu tindakan; pembayaran sedang disiapkan.",
    ),
    Status.DISPATCHED: Words(
        "wait",
        "Nothing to do yet; the gateway has not answered.",
        "Belum perlu tindakan; menunggu jawaban gateway.",
    ),
    Status.UNKNOWN: Words(
        "wait",
        "Do not pay again: we are asking the gateway what happened.",
        "Jangan membayar lagi: kami sedang memastikan ke gateway.",
    ),
    Status.CHALLENGED: Words(
        "wait",
        "The payment is under review; nothing to do.",
        "Pembayaran sedang ditinjau; tidak perlu tindakan.",
    ),
}


def next_action(payment: Payment) -> dict[str, Any] | None:
    """None when nothing is left to do for the payer."""
    if payment.review:
        held = BY_STATUS[Status.CHALLENGED]
        return {"type": held.type, "message": {"en": held.en, "id": held.id}}
    if payment.status is not Status.PENDING:
        words = BY_STATUS.get(payment.status)
        return words and {"type": words.type, "message": {"en": words.en, "id": words.id}}
    attempt = payment.attempt
    given = attempt.instructions
    words = WORDS[given.kind]
    data = _data(given)
    deadline = clock.in_wib(attempt.expires_at) if attempt.expires_at else ""
    spoken = {**data, "amount": _spoken(payment.request.amount), "deadline": deadline}
    return {
        "type": words.type,
        "message": {"en": _fill(words.en, spoken), "id": _fill(words.id, spoken)},
        "deadline": attempt.expires_at.astimezone(clock.WIB) if attempt.expires_at else None,
        "deadline_words": deadline or None,
        **data,
    }


def _data(given: Instructions) -> dict[str, str]:
    names = [name for name in given.__struct_fields__ if name != "kind"]
    return {name: value for name in names if (value := getattr(given, name))}


def _spoken(amount: Money) -> str:
    return str(amount)


def _fill(template: str, spoken: dict[str, str]) -> str:
    """Without a deadline the words that would name it are left out."""
    if not spoken["deadline"]:
        template = template.replace(" before {deadline}", "").replace(" sebelum {deadline}", "")
    names = {"bank": "", "account_number": "", "store": ""} | spoken
    names["bank"] = names["bank"].upper()
    names["store"] = names["store"].capitalize()
    return template.format_map(names)
