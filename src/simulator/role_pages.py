"""A page for each role: the payer, the merchant, and the operator of clock and faults."""

import json
from collections.abc import Callable
from itertools import islice
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import gopay_payments
from simulator.accounts import Account, AccountStatus
from simulator.clock import wib
from simulator.control_forms import choice, field, form
from simulator.faults import FAULTS
from simulator.gateway import Gateway
from simulator.markup import Html, html, joined, role_page
from simulator.notices import Notice
from simulator.pages import transaction_rows
from simulator.sessions import Session
from simulator.transactions import Status, Transaction

SHOWN: Final = 100
Part = Callable[[Gateway], Html]
LEAPS: Final = {"60": "a minute", "900": "15 minutes", "3600": "an hour", "86400": "a day"}


def _section(title: str, *parts: Html) -> Html:
    return html("<h2>{title}</h2>{parts}", title=title, parts=joined(list(parts)))


def _table(heads: str, rows: list[Html]) -> Html:
    """`heads` are divided by bars."""
    if not rows:
        return html('<p class="hint">None yet.</p>')
    cells = joined([html("<th>{head}", head=head) for head in heads.split("|")])
    return html("<table><tr>{cells}</tr>{rows}</table>", cells=cells, rows=joined(rows))


# ── the payer ─────────────────────────────────────────────────────────────────────────────────────────────────


def payer(gateway: Gateway) -> Html:
    waiting = [one for one in gateway.book if one.status is Status.PENDING]
    sessions = [
        one for one in gateway.sessions if one.may_choose and not one.is_closed(gateway.clock.now())
    ]
    asked = [one for one in gateway.accounts.values() if one.status is AccountStatus.PENDING]
    linked = [one for one in gateway.accounts.values() if one.status is AccountStatus.ENABLED]
    return joined(
        [
            _section("To pay", transaction_rows(_latest(waiting), "/payer")),
            _section("Confirm with a PIN", _table("Order|Rupiah", _pin_rows(waiting))),
            _section("Payment pages", _table("Order|Rupiah", [_session_row(s) for s in sessions])),
            _section("Shops that want to be linked", _table("Wallet", [_ask(a) for a in asked])),
            _section("Linked shops", _table("Wallet|Rupiah|", [_linked(a) for a in linked])),
        ]
    )


def _latest(found: list[Transaction]) -> list[Transaction]:
    return found[::-1][:SHOWN]


def _pin_rows(waiting: list[Transaction]) -> list[Html]:
    return [
        html(
            '<tr><td><a href="/gopay/verify/{id}">{order}</a><td>{amount}</tr>',
            id=one.transaction_id,
            order=one.order_id,
            amount=f"{one.gross_amount:,}",
        )
        for one in waiting
        if gopay_payments.asks_for_pin(one)
    ]


def _session_row(session: Session) -> Html:
    return html(
        '<tr><td><a href="/snap/v3/redirection/{token}">{order}</a><td>{amount}</tr>',
        token=session.token,
        order=session.order_id,
        amount=f"{session.amount:,}",
    )


def _ask(account: Account) -> Html:
    return html(
        '<tr><td><a href="/gopay/link/{id}">+62 {phone}</a></tr>',
        id=account.account_id,
        phone=account.phone,
    )


def _linked(account: Account) -> Html:
    return html(
        "<tr><td>+62 {phone}<td>{left}<td>{unlink}</tr>",
        phone=account.phone,
        left=f"{account.left:,}",
        unlink=form("accounts/unlink", "Unlink", "/payer", account_id=account.account_id),
    )


# ── the merchant ──────────────────────────────────────────────────────────────────────────────────────────────


def merchant(gateway: Gateway) -> Html:
    told = list(islice(reversed(gateway.outbox.history), SHOWN))
    balance = gateway.till.balance
    return joined(
        [
            _section(
                "Notices that were sent",
                _table("Number|Order|Says|To|State|", [_notice_row(one) for one in told]),
            ),
            _section(
                "Subscriptions", _table("Name|Rupiah|State|Next|Charges", _subscriptions(gateway))
            ),
            _section(
                "Money to refund from",
                html(
                    "<p>{left}</p>", left="No limit." if balance is None else f"{balance:,} rupiah"
                ),
                form("balance", "Set", "/merchant", field("balance", "Rupiah", kind="number")),
                form("balance", "No limit", "/merchant", balance="null"),
            ),
        ]
    )


def _notice_row(notice: Notice) -> Html:
    body = notice.body
    about = body.get("transaction_status") or body.get("account_status") or body.get("status")
    order_id = body.get("order_id")
    again = (
        form("notices", "Send again", "/merchant", order_id=str(order_id)) if order_id else html("")
    )
    return html(
        "<tr><td>{id}<td>{order}<td>{about}<td><code>{url}</code><td>{state}{answers}"
        "<td>{again}<details><summary>Body</summary><pre>{body}</pre></details></tr>",
        id=notice.serial,
        order=order_id or "",
        about=about or body.get("event_name", ""),
        url=notice.url,
        state=notice.state,
        answers="".join(f", {one.status or one.error}" for one in notice.attempts),
        again=again,
        body=json.dumps(body, indent=1),
    )


def _subscriptions(gateway: Gateway) -> list[Html]:
    return [
        html(
            "<tr><td>{name}<td>{amount}<td>{status}<td>{next}<td>{done}</tr>",
            name=one.name,
            amount=one.amount,
            status=one.status,
            next=wib(one.schedule.next_at) if one.schedule.next_at else "",
            done=one.schedule.done,
        )
        for one in gateway.subscriptions.values()
    ]


# ── the operator ──────────────────────────────────────────────────────────────────────────────────────────────


def operator(gateway: Gateway) -> Html:
    return joined([_clock(gateway), _faults(), _notices(gateway), _batch()])


def _clock(gateway: Gateway) -> Html:
    frozen = gateway.clock.frozen
    return _section(
        "Clock",
        html(
            "<p>It is <b>{now}</b> in Jakarta{frozen}.</p>",
            now=wib(gateway.clock.now()),
            frozen=", and stays so" if frozen else "",
        ),
        form("clock", "Leap", "/operator", choice("advance_seconds", "Forward by", LEAPS)),
        form("clock", "Leap", "/operator", field("advance_seconds", "Seconds", kind="number")),
        form("clock", "Set", "/operator", field("set", "To", "2030-01-31 09:00:00")),
        form(
            "clock",
            "Go on" if frozen else "Stop",
            "/operator",
            frozen="false" if frozen else "true",
        ),
    )


# What is shown is fetched from the control API, so that it is all there is to know.
SHOW: Final = Html(
    """<pre id="faults"></pre><script>
const show = () => fetch("/_control/faults").then(answer => answer.json()).then(
  told => { document.getElementById("faults").textContent = JSON.stringify(told, null, 1) });
const heal = () => fetch("/_control/faults", {method: "DELETE"}).then(show);
show();
</script>"""
)


def _faults() -> Html:
    return _section(
        "Faults",
        form(
            "faults",
            "Set the trap",
            "/operator",
            choice("fault", "Fault", {name: name for name in FAULTS}),
            field("times", "Times", "1", "number"),
            field("seconds", "Seconds", "30", "number"),
            field("match.order_id_prefix", "Orders that begin with"),
            field("match.path_contains", "Paths with"),
        ),
        SHOW,
        html('<button onclick="heal()">Forget all faults</button>'),
        form("outage", "Outage", "/operator", on="true"),
        form("outage", "End the outage", "/operator", on="false"),
    )


def _notices(gateway: Gateway) -> Html:
    outbox = gateway.outbox
    return _section(
        "Notices",
        html("<p>They are {state}.</p>", state="held" if outbox.holding else "sent as they come"),
        form("notices/hold", "Hold", "/operator", hold="true"),
        form("notices/hold", "Release", "/operator", hold="false"),
        form("notices/hold", "Release in reverse", "/operator", hold="false", order="reverse"),
        form("notices/hold", "Drop what is held", "/operator", hold="false", drop="true"),
    )


def _batch() -> Html:
    return _section("Cards", form("settle", "Run the settlement batch now", "/operator"))


# ── each ──────────────────────────────────────────────────────────────────────────────────────────────────────


def shown(title: str, part: Part) -> Route:
    async def show(request: Request) -> Response:
        gateway: Gateway = request.app.state.gateway
        gateway.agenda.run_due()
        return role_page(title, part(gateway))

    return Route(f"/{part.__name__}", show)


routes: Final = [
    shown("Payer", payer),
    shown("Merchant", merchant),
    shown("Operator", operator),
]
