"""What the payer needs in order to pay, found in the answer of a pending transaction."""

from collections.abc import Callable
from typing import Final

from ledger.payments.events import Instructions
from ledger.providers.midtrans.wire import Answer

Finder = Callable[[Answer, str], Instructions | None]

# 4.5, 4.6: the framed picture is the one to show; old answers have the plain one only.
QR_ACTIONS: Final = ("generate-qr-code-v2", "generate-qr-code")
# 4.5 deeplinks; 9: a linked GoPay account that wants its PIN.
DEEPLINK_ACTIONS: Final = ("deeplink-redirect",)
VERIFY_ACTIONS: Final = ("verification-link-url", "verification-link-app")


def instructions(answer: Answer, core_url: str) -> Instructions:
    """The first that fits, in the order of the table below."""
    found = (find(answer, core_url) for find in FINDERS)
    return next(filter(None, found), Instructions(kind="none"))


def _virtual_account(answer: Answer, _: str) -> Instructions | None:
    for account in answer.va_numbers or ():
        return Instructions(
            kind="virtual_account", bank=account.bank, account_number=account.va_number
        )
    return None


def _permata(answer: Answer, _: str) -> Instructions | None:
    number = answer.permata_va_number
    if not number:
        return None
    return Instructions(kind="virtual_account", bank="permata", account_number=number)


def _bill(answer: Answer, _: str) -> Instructions | None:
    if not (answer.biller_code and answer.bill_key):
        return None
    return Instructions(
        kind="bill", bank="mandiri", biller_code=answer.biller_code, bill_key=answer.bill_key
    )


def _payment_code(answer: Answer, _: str) -> Instructions | None:
    if not answer.payment_code:
        return None
    return Instructions(
        kind="payment_code", store=answer.store or "", payment_code=answer.payment_code
    )


def _redirect(answer: Answer, _: str) -> Instructions | None:
    url = answer.redirect_url or _action(answer, VERIFY_ACTIONS)
    return Instructions(kind="redirect", redirect_url=url) if url else None


def _deeplink(answer: Answer, _: str) -> Instructions | None:
    url = _action(answer, DEEPLINK_ACTIONS)
    if not url:
        return None
    return Instructions(kind="deeplink", deeplink_url=url, qr_image_url=_action(answer, QR_ACTIONS))


def _qr(answer: Answer, core_url: str) -> Instructions | None:
    """An inquiry lists no actions for these two (6), but the picture's address is documented (2):
    so the payer can
    still pay when the answer to the charge was lost.
    """
    if answer.payment_type not in ("qris", "gopay"):
        return None
    documented = f"{core_url}/v2/{answer.payment_type}/{answer.transaction_id}/qr-code"
    return Instructions(
        kind="qr",
        qr_string=answer.qr_string or "",
        qr_image_url=_action(answer, QR_ACTIONS) or documented,
    )


def _push(answer: Answer, _: str) -> Instructions | None:
    return Instructions(kind="push") if answer.payment_type == "ovo" else None


def _action(answer: Answer, names: tuple[str, ...]) -> str:
    urls = {action.name: action.url for action in answer.actions or ()}
    return next((urls[name] for name in names if urls.get(name)), "")


# 4.1, "Key response extras".
FINDERS: Final[tuple[Finder, ...]] = (
    _virtual_account,
    _permata,
    _bill,
    _payment_code,
    _redirect,
    _deeplink,
    _qr,
    _push,
)
