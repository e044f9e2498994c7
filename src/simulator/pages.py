"""Pages for people: the list of transactions, 3-D Secure, wallets, lenders."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import card_payments, customer, returning
from simulator.cards import OTP, Page
from simulator.clock import wib
from simulator.control_forms import back_to
from simulator.gateway import Gateway
from simulator.markup import Html, button, html, joined, page, role_page
from simulator.methods import METHODS
from simulator.transactions import STATES, Status, Transaction
from simulator.wire import read_form

SHOWN_AT_MOST: Final = 200
Act = Callable[[Gateway, Transaction], None]
ACTS: Final[dict[str, Act]] = {
    "pay": customer.pay,
    "deny": customer.deny,
    "expire": lambda gateway, transaction: gateway.move(transaction, Status.EXPIRE),
    "settle": lambda gateway, transaction: gateway.settle(transaction),
}
OFFERED: Final = {
    Status.PENDING: {"pay": "Pay", "deny": "Refuse", "expire": "Let it expire"},
    Status.CAPTURE: {"settle": "Settle"},
}
# What a customer must know to pay, in the order shown.
CUSTOMERS_PAGES: Final = ("deeplink-redirect", "verification-link-url")
INSTRUCTIONS: Final = ("permata_va_number", "biller_code", "bill_key", "store", "payment_code")


async def home(request: Request) -> Response:
    gateway = _gateway(request)
    latest = list(gateway.book)[-SHOWN_AT_MOST:][::-1]
    return role_page(
        "Midtrans simulator",
        html(
            '<p class="hint">Act as the customer or the bank. It is {now} in Jakarta here.'
            " Newest first, at most {most}.</p>{rows}",
            now=wib(gateway.clock.now()),
            most=SHOWN_AT_MOST,
            rows=transaction_rows(latest, "/"),
        ),
    )


def transaction_rows(found: list[Transaction], back: str) -> Html:
    """A table of payments, with what can be done to each; `back` is the page it stands on."""
    rows = joined([_row(transaction, back) for transaction in found])
    return html(
        "<table><tr><th>Order<th>Method<th>Rupiah<th>Status<th>Pay to<th></tr>{rows}</table>",
        rows=rows or html("<tr><td colspan=6>No transaction yet.</td></tr>"),
    )


def _row(transaction: Transaction, back: str) -> Html:
    return html(
        "<tr><td>{order}<td>{method}<td>{amount}<td>{status}<td>{pay_to}<td>{buttons}</tr>",
        order=transaction.order_id,
        method=transaction.method_name,
        amount=f"{transaction.gross_amount:,}",
        status=transaction.status.value,
        pay_to=pay_to(transaction),
        buttons=act_buttons(transaction, back),
    )


def act_buttons(transaction: Transaction, back: str) -> Html:
    offered = OFFERED.get(transaction.status, {})
    return joined(
        [
            button(f"/act/{name}", label, id=transaction.transaction_id, back=back)
            for name, label in offered.items()
        ]
    )


def pay_to(transaction: Transaction) -> Html:
    once = transaction.once
    links = [once["redirect_url"]] if "redirect_url" in once else []
    links += [one["url"] for one in once.get("actions", []) if one["name"] in CUSTOMERS_PAGES]
    return joined(
        [html("<div><code>{line}</code></div>", line=line) for line in pay_to_lines(transaction)]
        + [html('<div><a href="{link}">customer\'s page</a></div>', link=link) for link in links]
    )


def pay_to_lines(transaction: Transaction) -> list[str]:
    """The numbers to pay to, in words."""
    detail = transaction.detail
    lines = [f"{va['bank']} {va['va_number']}" for va in detail.get("va_numbers", [])]
    return lines + [f"{name}: {detail[name]}" for name in INSTRUCTIONS if name in detail]


def pressed(act: Act) -> Callable[[Request], Awaitable[Response]]:
    """A button was pressed: act, and show the page it stood on."""

    async def handle(request: Request) -> Response:
        gateway, form = _gateway(request), await read_form(request)
        transaction = gateway.book.by_transaction_id(form.get("id", ""))
        if transaction is None:
            return _missing()
        act(gateway, transaction)
        return back_to(form.get("back", "/"))

    return handle


async def checkout(request: Request) -> Response:
    """What a wallet's or a lender's own app would show."""
    gateway = _gateway(request)
    transaction = gateway.book.by_transaction_id(request.path_params["id"])
    if transaction is None:
        return _missing()
    callback = transaction.options.get("callback_url")
    result = "success" if STATES[transaction.status].notice_code == "200" else "failure"
    query = {"order_id": transaction.order_id, "result": result}
    body = [summary(transaction), act_buttons(transaction, request.url.path)]
    if transaction.method_name in returning.LENDERS:
        body.append(returning.from_lender(gateway, transaction))
    elif transaction.status is not Status.PENDING:
        body.append(returning.link(callback, query))
    return page(f"Pay with {transaction.method_name}", joined(body))


async def three_ds(request: Request) -> Response:
    """The issuing bank's 3-D Secure page; the last 36 characters of its id are the transaction."""
    gateway = _gateway(request)
    transaction = gateway.book.by_transaction_id(request.path_params["id"][-36:])
    if transaction is None:
        return _missing()
    if request.method == "POST":
        otp = (await read_form(request)).get("otp", "")
        card_payments.answer_page(gateway, transaction, otp)
    asks = card_payments.open_page(gateway, transaction) is Page.OTP
    pending = transaction.status is Status.PENDING
    form = html(
        '<form method="post"><label>One-time password <input name="otp" autofocus></label> '
        '<button>Confirm</button></form><p class="hint">It is {otp}; anything else is refused.</p>',
        otp=OTP,
    )
    waiting = html('<p class="hint">The bank takes its time.</p>')
    rest = (form if asks else waiting) if pending else html("")
    return page("3-D Secure", joined([summary(transaction), rest]))


def summary(transaction: Transaction) -> Html:
    return html(
        "<p>Order <b>{order}</b>: {amount} rupiah by {method}, <b>{status}</b>.</p>",
        order=transaction.order_id,
        amount=f"{transaction.gross_amount:,}",
        method=METHODS[transaction.method_name].payment_type,
        status=transaction.status.value,
    )


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    gateway.agenda.run_due()
    return gateway


def _missing() -> Response:
    return page("Not found", html("<p>There is no such payment.</p>"), 404)


routes: Final = [
    Route("/", home),
    *(Route(f"/act/{name}", pressed(act), methods=["POST"]) for name, act in ACTS.items()),
    Route("/v2/token/rba/redirect/{id}", three_ds, methods=["GET", "POST"]),
    Route("/v2/akulaku/redirect/{id}", checkout),
    Route("/v2/oms/redirect/{id}", checkout),
    Route("/gopay/ui/checkout/{id}", checkout),
    Route("/shopeepay/checkout/{id}", checkout),
    Route("/dana/checkout/{id}", checkout),
]
