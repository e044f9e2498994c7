"""The bank's and the provider's pages: counters, cash machines, apps that scan (midtrans.md 13)."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import multi_use
from simulator.control_forms import choice, field, form
from simulator.gateway import Gateway
from simulator.markup import Html, html, joined, role_page
from simulator.methods import VA_NUMBERS
from simulator.pages import transaction_rows
from simulator.refunds import REFUNDABLE_IN
from simulator.transactions import Refund, Status, Transaction

SHOWN: Final = 100
ISSUERS: Final = {"": "the acquirer's own", "gopay": "gopay", "shopeepay": "shopeepay"} | {
    name: name for name in ("dana", "ovo", "linkaja", "bca", "bni", "bri", "mandiri")
}


class Counter(NamedTuple):
    path: str
    title: str
    label: str
    takes: str  # "number": what is typed in; "link": what is scanned or opened


COUNTERS: Final = (
    Counter("/bca/va/index", "BCA virtual account", "Virtual account number", "number"),
    Counter("/bni/va/index", "BNI virtual account", "Virtual account number", "number"),
    Counter("/openapi/va/index", "Virtual account, Mandiri bill", "Number or bill key", "number"),
    Counter("/alfamart/index", "Alfamart", "Payment code", "number"),
    Counter("/indomaret/phoenix/index", "Indomaret", "Payment code", "number"),
    Counter("/v2/qris/index", "QRIS", "QR code's text, or its picture's address", "link"),
    Counter(
        "/qris/index", "QRIS (old address)", "QR code's text, or its picture's address", "link"
    ),
    Counter("/v2/deeplink/index", "Wallet deeplink", "Deeplink", "link"),
)
BANKS: Final = {bank: bank for bank in (*VA_NUMBERS, "mandiri")}
OLD: Final = "/qris/index"


def counter(one: Counter) -> Route:
    async def show(request: Request) -> Response:
        gateway: Gateway = request.app.state.gateway
        gateway.agenda.run_due()
        typed = request.query_params.get("number", "").strip()
        found = _find(gateway, one, typed) if typed else None
        parts = [_ask(one, typed)]
        if typed:
            parts.append(_bill(gateway, one, found, request.url.path) if found else NOTHING)
        return role_page(one.title, joined(parts))

    return Route(one.path, show)


NOTHING: Final = html("<p>There is nothing to pay under this.</p>")


def _ask(one: Counter, typed: str) -> Html:
    banks = choice("bank", "Bank", BANKS) if one.path.startswith("/openapi") else html("")
    return html(
        "<form>{banks}{number}<button>Look up</button></form>",
        banks=banks,
        number=field("number", one.label, typed),
    )


def _find(gateway: Gateway, one: Counter, typed: str) -> Transaction | None:
    if one.takes == "number":
        return gateway.book.by_number(typed)
    parts = urlsplit(typed).path.split("/")
    by_id = (gateway.book.by_transaction_id(part) for part in parts if part)
    return next(filter(None, by_id), None) or _by_code(gateway, typed)


def _by_code(gateway: Gateway, text: str) -> Transaction | None:
    return next((one for one in gateway.book if one.once.get("qr_string") == text), None)


def _bill(gateway: Gateway, one: Counter, bill: Transaction, path: str) -> Html:
    again = multi_use.is_open(gateway, bill)
    about = html(
        "<p>{order}: <b>{amount}</b> rupiah by {method}, {status}{again}.</p>",
        order=bill.order_id,
        amount=f"{bill.gross_amount:,}",
        method=bill.method_name,
        status=bill.status.value,
        again=", any amount again and again" if again else "",
    )
    if bill.status is not Status.PENDING and not again:
        return about
    inputs = [field("amount", "Rupiah", str(bill.gross_amount), "number")]
    if "qris" in one.path:
        inputs.append(choice("issuer", "Scanned with", ISSUERS))
    paid = form("pay", "Pay", path, *inputs, transaction_id=bill.transaction_id)
    wrong = field("amount", "Another amount, taken all the same", "", "number")
    forced = form("pay", "Pay", path, wrong, transaction_id=bill.transaction_id, force="true")
    refused = form("deny", "Refuse", path, transaction_id=bill.transaction_id)
    return joined([about, paid, refused, html("<br>"), forced])


async def bank(request: Request) -> Response:
    gateway: Gateway = request.app.state.gateway
    gateway.agenda.run_due()
    links = joined(
        [html('<li><a href="{p}">{t}</a>', p=c.path, t=c.title) for c in COUNTERS if c.path != OLD]
    )
    latest = list(gateway.book)[::-1][:SHOWN]
    waiting = [one for one in latest if one.status in (Status.PENDING, Status.CAPTURE)]
    settled = [one for one in latest if one.status in SETTLED]
    refunds = [(one, made) for one in latest for made in one.refunds if not made.bank_confirmed_at]
    return role_page(
        "Bank",
        html(
            "<ul>{links}</ul><h2>To pay and to settle</h2>{waiting}<h2>Settled</h2>{settled}"
            "<h2>Refunds that no bank has confirmed</h2>{refunds}",
            links=links,
            waiting=transaction_rows(waiting, "/bank"),
            settled=_rows([_settled_row(one) for one in settled]),
            refunds=_rows([_refund_row(*one) for one in refunds]),
        ),
    )


SETTLED: Final = (*REFUNDABLE_IN, Status.PARTIAL_CHARGEBACK)


def _rows(rows: list[Html]) -> Html:
    none = html("<tr><td>None.</tr>")
    return html("<table>{rows}</table>", rows=joined(rows) if rows else none)


def _settled_row(one: Transaction) -> Html:
    known = {"transaction_id": one.transaction_id}
    acts = [form("reverse", "Take back", "/bank", **known)]
    if one.method_name == "credit_card":
        acts.append(
            form(
                "chargeback",
                "Charge back",
                "/bank",
                field("amount", "Rupiah", "", "number"),
                **known,
            )
        )
    if multi_use.numbers(one):
        acts.append(form("multi-use", "Can be paid again", "/bank", **known))
    return html(
        "<tr><td>{order}<td>{method}<td>{amount}<td>{acts}</tr>",
        order=one.order_id,
        method=one.method_name,
        amount=f"{one.gross_amount:,}",
        acts=joined(acts),
    )


def _refund_row(one: Transaction, made: Refund) -> Html:
    return html(
        "<tr><td>{order}<td>{key}<td>{amount}<td>{confirm}</tr>",
        order=one.order_id,
        key=made.key,
        amount=f"{made.amount:,}",
        confirm=form("confirm-refund", "Confirm", "/bank", refund_key=made.key),
    )


routes: Final = [Route("/bank", bank), *map(counter, COUNTERS)]
