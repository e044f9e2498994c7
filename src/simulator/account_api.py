"""Linking GoPay accounts: the API, and what the payer does on the linking page (midtrans.md 9)."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from simulator import accounts
from simulator.accounts import Account, AccountStatus
from simulator.endpoint import Call, endpoint
from simulator.gateway import Gateway
from simulator.markup import Html, html, page
from simulator.transactions import Fields, NotPossible
from simulator.wire import Invalid, Refusal, read_form

PIN: Final = "112233"
PHONE: Final = "gopay_partner.phone_number must be numeric digits and must not begin with 0"
NO_WALLET: Final = ("404", "GoPay Wallet doesn't exist.")
STUCK: Final = ("412", "Account status cannot be updated.")


def create(call: Call) -> Fields:
    phone, redirect_url = _read(call.body)
    if phone in accounts.REFUSED:
        return _turned_down(accounts.REFUSED[phone])
    gateway = call.gateway
    account = accounts.opened(phone, redirect_url, gateway.clock.now())
    gateway.accounts[account.account_id] = account
    gateway.agenda.at(account.link_good_until, lambda: _lapse(account))
    link = f"{gateway.config.public_url}/gopay/link/{account.account_id}"
    actions = [
        {"name": name, "method": "GET", "url": link}
        for name in ("activation-link-url", "activation-link-app")
    ]
    return account.view() | {"actions": actions}


def _read(body: Any) -> tuple[str, str]:
    sent = body if isinstance(body, dict) else {}
    if sent.get("payment_type") != "gopay":
        raise Invalid("payment_type is required" if not sent.get("payment_type") else GOPAY_ONLY)
    partner = sent.get("gopay_partner")
    partner = partner if isinstance(partner, dict) else {}
    phone = str(partner.get("phone_number") or "")
    if not phone:
        raise Invalid("gopay_partner.phone_number is required")
    if not phone.isdecimal() or phone.startswith("0"):
        raise Invalid(PHONE)
    return phone.removeprefix(str(partner.get("country_code") or "62")), str(
        partner.get("redirect_url") or ""
    )


GOPAY_ONLY: Final = "payment_type must be gopay"


def _turned_down(refused: accounts.Refused) -> Fields:
    if refused.status_code != "202":
        raise Refusal(refused.status_code, refused.message)
    return {
        "status_code": refused.status_code,
        "status_message": refused.message,
        "channel_response_code": refused.response_code,
        "channel_response_message": refused.message,
    }


def _lapse(account: Account) -> None:
    if account.status is AccountStatus.PENDING:
        account.status = AccountStatus.EXPIRED


def find(gateway: Gateway, account_id: str) -> Account:
    account = gateway.accounts.get(account_id)
    if account is None:
        raise Refusal(*NO_WALLET)
    return account


def show(call: Call) -> Fields:
    return find(call.gateway, call.id).view()


def unbind(call: Call) -> Fields:
    account = find(call.gateway, call.id)
    if account.status is not AccountStatus.ENABLED:
        raise Refusal(*STUCK)
    unlink(call.gateway, account)
    return account.view()


def link(gateway: Gateway, account: Account) -> None:
    """The payer consents."""
    if account.status is not AccountStatus.PENDING:
        raise NotPossible(f"This account is {account.status} already.")
    _become(gateway, account, AccountStatus.ENABLED)


def unlink(gateway: Gateway, account: Account) -> None:
    """By the merchant, or by the payer in the wallet's app, or with a new phone number."""
    if account.status is not AccountStatus.ENABLED:
        raise NotPossible(f"Only a linked account can be unlinked; this is {account.status}.")
    _become(gateway, account, AccountStatus.DISABLED)


def _become(gateway: Gateway, account: Account, status: AccountStatus) -> None:
    account.status = status
    config = gateway.config
    gateway.tell(config.account_url, account.notice(config.merchant_id, config.server_key))


async def link_page(request: Request) -> Response:
    """Where the payer lands from the activation link."""
    gateway: Gateway = request.app.state.gateway
    gateway.agenda.run_due()
    account = gateway.accounts.get(request.path_params["id"])
    if account is None:
        return page("Not found", html("<p>There is no such account.</p>"), 404)
    wrong = False
    if request.method == "POST":
        wrong = (await read_form(request)).get("pin") != PIN
        if not wrong:
            link(gateway, account)
            if account.redirect_url.startswith(("http://", "https://")):
                return RedirectResponse(account.redirect_url, 303)
    return page("Link your GoPay", _consent(account, wrong))


def _consent(account: Account, wrong: bool) -> Html:
    if account.status is not AccountStatus.PENDING:
        return html("<p>+62 {phone}: {status}.</p>", phone=account.phone, status=account.status)
    return html(
        '<p>May this shop charge the wallet of +62 {phone}?</p><form method="post">'
        '<label>PIN <input name="pin" autofocus></label> <button>Allow</button></form>'
        '<p class="hint">{said} It is {pin}.</p>',
        phone=account.phone,
        said="That was not the PIN." if wrong else "The link is good for five minutes.",
        pin=PIN,
    )


routes: Final = [
    Route("/v2/pay/account", endpoint(create, replayed=False), methods=["POST"]),
    Route("/v2/pay/account/{id}", endpoint(show)),
    Route("/v2/pay/account/{id}/unbind", endpoint(unbind, replayed=False), methods=["POST"]),
    Route("/gopay/link/{id}", link_page, methods=["GET", "POST"]),
]
