"""The hosted page, where payers choose how to pay; its script and its instructions (midtrans.md 7)."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from simulator import returning, snap_api, snap_js
from simulator.clock import wib
from simulator.control_forms import told
from simulator.gateway import Gateway
from simulator.markup import Html, button, html, joined, page
from simulator.pages import act_buttons, pay_to, pay_to_lines, summary
from simulator.sessions import Session
from simulator.transactions import Transaction
from simulator.wire import Refusal, read_form

WITH_A_FIELD: Final = ("credit_card", "ovo")


async def hosted(request: Request) -> Response:
    gateway = _gateway(request)
    session = _session(gateway, request)
    if session is None:
        return _missing()
    if request.method == "POST":
        return await _chosen(gateway, session, request)
    attempts = joined([_attempt(one, request.url.path) for one in session.transactions])
    closed = session.is_closed(gateway.clock.now())
    choices = _choices(session) if session.may_choose and not closed else html("")
    hint = html("<p>This page is no longer open.</p>") if closed else html("")
    ends = [returning.from_snap(gateway, session), returning.to_opener(gateway, session)]
    title = f"Pay {session.amount:,} rupiah for {session.order_id}"
    return page(title, joined([hint, attempts, choices, *ends]))


async def _chosen(gateway: Gateway, session: Session, request: Request) -> Response:
    form = await read_form(request)
    try:
        snap_api.choose(
            gateway,
            session,
            form.get("method", ""),
            card_number=form.get("card_number") or snap_api.DEFAULT_CARD,
            phone=form.get("phone") or snap_api.DEFAULT_PHONE,
        )
    except Refusal as refusal:
        return told("; ".join(refusal.invalid) or refusal.message, 400)
    return RedirectResponse(request.url.path, 303)


def _choices(session: Session) -> Html:
    buttons = [FIELDS[name] for name in WITH_A_FIELD if name in session.methods]
    buttons += [
        button("", name, method=name) for name in session.methods if name not in WITH_A_FIELD
    ]
    return html("<h2>How do you want to pay?</h2>{buttons}", buttons=joined(buttons))


def _with_field(method: str, name: str, label: str, value: str) -> Html:
    return html(
        '<form method="post"><input type="hidden" name="method" value="{method}"><label>{label} '
        '<input name="{name}" value="{value}"></label> <button>{method}</button></form><br>',
        method=method,
        name=name,
        label=label,
        value=value,
    )


FIELDS: Final = {
    "credit_card": _with_field("credit_card", "card_number", "Card", snap_api.DEFAULT_CARD),
    "ovo": _with_field("ovo", "phone", "Phone", snap_api.DEFAULT_PHONE),
}


def _attempt(transaction: Transaction, back: str) -> Html:
    return joined([summary(transaction), pay_to(transaction), act_buttons(transaction, back)])


async def script(_: Request) -> Response:
    return Response(snap_js.SCRIPT, media_type="text/javascript")


async def instructions(request: Request) -> Response:
    gateway = _gateway(request)
    session = _session(gateway, request)
    latest = session.latest if session else None
    if session is None or latest is None:
        return _missing()
    lines = [
        f"Order {session.order_id}",
        f"Rp {session.amount:,} by {latest.method_name}",
        *pay_to_lines(latest),
        f"Before {wib(latest.expires_at)} WIB",
    ]
    return Response(snap_js.pdf("How to pay", lines), media_type="application/pdf")


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    gateway.agenda.run_due()
    return gateway


def _session(gateway: Gateway, request: Request) -> Session | None:
    """By its token only: an order id opens no page."""
    token = request.path_params["token"]
    session = gateway.sessions.find(token)
    return session if session is not None and session.token == token else None


def _missing() -> Response:
    return page("Not found", html("<p>There is no such payment.</p>"), 404)


routes: Final = [
    Route("/snap/v3/redirection/{token}", hosted, methods=["GET", "POST"]),
    Route("/snap/snap.js", script),
    Route("/snap/v1/transactions/{token}/pdf", instructions),
]
