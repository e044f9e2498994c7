"""Charging a linked GoPay account: at once, after a PIN, or held (midtrans.md 9)."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from simulator.account_api import NO_WALLET, PIN
from simulator.accounts import LINK_LASTS, Account, AccountStatus
from simulator.gateway import Gateway
from simulator.markup import Html, button, html, page
from simulator.orders import Order
from simulator.transactions import Fields, NotPossible, Status, Transaction
from simulator.wire import Invalid, Refusal, read_form

PIN_FROM: Final = 100_000  # rupiah; smaller payments in the sandbox need none
PAID: Final = "Success, GoPay transaction is successful"
POOR: Final = ("201", "Insufficient Balance")
EXPIRED: Final = "GoPay challenge token is already expired"


def is_tokenised(order: Order) -> bool:
    return any(order.options.get(name) for name in ("account_id", "payment_option_token"))


def charge(
    gateway: Gateway, order: Order, notify_urls: tuple[str, ...], *, deny: bool = False
) -> Transaction:
    account, option = _account(gateway, order)
    transaction = gateway.open(order, notify_urls)
    transaction.once, transaction.message = {}, PAID
    transaction.detail["payment_option_type"] = option
    account.transactions.append(transaction)
    if deny or order.amount > account.left:
        _refuse(gateway, transaction)
    elif order.amount >= PIN_FROM and order.options.get("recurring") is not True:
        _ask_for_pin(gateway, transaction)
    else:
        pay(gateway, transaction)
    return transaction


def _account(gateway: Gateway, order: Order) -> tuple[Account, str]:
    account_id = order.options.get("account_id")
    if not account_id:
        raise Invalid("Gopay.account_id is required")
    account = gateway.accounts.get(str(account_id))
    if account is None or account.status is not AccountStatus.ENABLED:
        raise Refusal(*NO_WALLET)
    option = account.option(str(order.options.get("payment_option_token")))
    if option is None:
        raise Invalid("GoPay token is invalid for the payment")
    return account, option


def _refuse(gateway: Gateway, transaction: Transaction) -> None:
    code, words = POOR
    transaction.denial = "GoPay transaction is denied"
    transaction.detail |= {"channel_response_code": code, "channel_response_message": words}
    gateway.move(transaction, Status.DENY)


def _ask_for_pin(gateway: Gateway, transaction: Transaction) -> None:
    url = f"{gateway.config.public_url}/gopay/verify/{transaction.transaction_id}"
    names = ("verification-link-url", "verification-link-app")
    transaction.message = "GoPay transaction is created"
    transaction.once = {
        "actions": [{"name": name, "method": "GET", "url": url} for name in names],
        "channel_response_code": "200",
        "channel_response_message": "Success",
    }
    gateway.announce(transaction)


def pay(gateway: Gateway, transaction: Transaction) -> None:
    """The wallet pays, or holds the money for a merchant who asked for that."""
    held = transaction.options.get("pre_auth") is True
    gateway.move(transaction, Status.AUTHORIZE if held else Status.SETTLEMENT)


async def verify_page(request: Request) -> Response:
    """Where the payer types the PIN. The link is good for five minutes."""
    gateway: Gateway = request.app.state.gateway
    gateway.agenda.run_due()
    transaction = gateway.book.by_transaction_id(request.path_params["id"])
    if transaction is None or "account_id" not in transaction.options:
        return page("Not found", html("<p>There is no such payment.</p>"), 404)
    wrong = False
    if request.method == "POST":
        wrong = (await read_form(request)).get("pin") != PIN
        if not wrong:
            answer_pin(gateway, transaction)
            callback = str(transaction.options.get("callback_url") or "")
            if callback.startswith(("http://", "https://")):
                joint = "&" if "?" in callback else "?"
                query = f"order_id={transaction.order_id}&result=success"
                return RedirectResponse(f"{callback}{joint}{query}", 303)
    return page("Confirm with your PIN", _form(gateway, transaction, wrong))


def asks_for_pin(transaction: Transaction) -> bool:
    return transaction.status is Status.PENDING and "account_id" in transaction.options


def answer_pin(gateway: Gateway, transaction: Transaction) -> None:
    if transaction.status is not Status.PENDING:
        raise NotPossible(f"This payment is {transaction.status} already.")
    if _is_over(gateway, transaction):
        raise NotPossible(EXPIRED)
    pay(gateway, transaction)


def _is_over(gateway: Gateway, transaction: Transaction) -> bool:
    return gateway.clock.now() >= transaction.created_at + LINK_LASTS


def _form(gateway: Gateway, transaction: Transaction, wrong: bool) -> Html:
    about = html(
        "<p>Order <b>{order}</b>: {amount} rupiah, <b>{status}</b>.</p>",
        order=transaction.order_id,
        amount=f"{transaction.gross_amount:,}",
        status=transaction.status.value,
    )
    if transaction.status is not Status.PENDING:
        return about
    if _is_over(gateway, transaction):
        return html("{about}<p>{words}</p>", about=about, words=EXPIRED)
    return html(
        '{about}<form method="post"><label>PIN <input name="pin" autofocus></label> '
        '<button>Pay</button></form> {refuse}<p class="hint">{said} It is {pin}.</p>',
        about=about,
        refuse=button("/act/deny", "Refuse", id=transaction.transaction_id),
        said="That was not the PIN." if wrong else "",
        pin=PIN,
    )


CAPTURED: Final = "Success, GoPay capture transaction is successful"


def capture(gateway: Gateway, transaction: Transaction, amount: int) -> Fields:
    """All of it or nothing (4.2). Only cards stay captured: a wallet's money is settled with it,
    and nobody is told of the state between (11.3).
    """
    if amount != transaction.gross_amount:
        raise Invalid("gross_amount must be equal to the authorized amount")
    gateway.move(transaction, Status.CAPTURE, told=False)
    gateway.move(transaction, Status.SETTLEMENT)
    return {"status_code": "200", "status_message": CAPTURED}


routes: Final = [Route("/gopay/verify/{id}", verify_page, methods=["GET", "POST"])]
