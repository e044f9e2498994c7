"""The Snap API: sessions behind a token, and a customer's choice of method (midtrans.md 7)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.core_api import start
from simulator.endpoint import require_server_key
from simulator.gateway import Gateway
from simulator.methods import METHODS
from simulator.orders import Order, deadline, echoes, expiry, notify_urls, read_details
from simulator.sessions import Session
from simulator.transactions import STATES, Fields, NotPossible, Status, Transaction
from simulator.wire import Invalid, Json, Refusal, read_json

PAGE_LASTS: Final = timedelta(hours=24)
PAGE_LASTS_AT_MOST: Final = timedelta(days=7)
PAGE_LASTS_AT_LEAST: Final = timedelta(seconds=20)
DEFAULT_CARD: Final = "4811111111111114"
DEFAULT_PHONE: Final = "081111111111"

# midtrans.md 7.1: names that stand for others; unknown and retired names are passed over.
ALIASES: Final = {
    "bank_transfer": [name for name in METHODS if name.endswith("_va")],
    "cstore": ["alfamart", "indomaret"],
    "other_va": ["bni_va"],
    "other_qris": ["qris"],
}
UNAUTHORIZED: Final = (
    "Access denied due to unauthorized transaction, please check client or server key",
    "Visit https://snap-docs.midtrans.com/#request-headers for more details",
)
TAKEN: Final = "transaction_details.order_id has already been taken"
UTILIZED: Final = (
    "transaction_details.order_id has been paid and utilized, please use another order ID"
)


class SnapRefusal(Exception):
    def __init__(self, http_status: int, *messages: str) -> None:
        super().__init__(*messages)
        self.http_status, self.messages = http_status, list(messages)


async def snap_refused(_: Request, refusal: Exception) -> Response:
    """Starlette's handler for `SnapRefusal`."""
    assert isinstance(refusal, SnapRefusal)  # Starlette types the handler too widely
    return Json({"error_messages": refusal.messages}, refusal.http_status)


async def create(request: Request) -> Response:
    gateway = _gateway(request)
    try:
        session = _session(gateway, request, await read_json(request))
    except Refusal as refusal:
        raise SnapRefusal(400, *(refusal.invalid or [refusal.message])) from refusal
    gateway.sessions.add(session)
    url = f"{gateway.config.public_url}/snap/v3/redirection/{session.token}"
    return Json({"token": session.token, "redirect_url": url}, 201)


async def cancel(request: Request) -> Response:
    gateway = _gateway(request)
    session = _untried(gateway, request)
    session.canceled_at = gateway.clock.now()
    return Json({"canceled_at": _utc(session.canceled_at)})


async def expire(request: Request) -> Response:
    """The page closes now; nothing is told, as of no page that closes by itself (7.2)."""
    gateway = _gateway(request)
    session = _untried(gateway, request)
    if session.is_closed(gateway.clock.now()):
        raise SnapRefusal(400, "token already expired")
    session.page_expires_at = gateway.clock.now()
    return Json({"expired_at": _utc(session.page_expires_at)})


def _untried(gateway: Gateway, request: Request) -> Session:
    """Only before a transaction exists (7.3)."""
    session = gateway.sessions.find(request.path_params["token"])
    if session is None:
        raise SnapRefusal(404, "token not found")
    if session.canceled_at:
        raise SnapRefusal(400, "token already canceled")
    if session.transactions:
        raise SnapRefusal(400, "Transaction is on progress")
    return session


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def choose(
    gateway: Gateway,
    session: Session,
    method_name: str,
    *,
    card_number: str = DEFAULT_CARD,
    phone: str = DEFAULT_PHONE,
) -> Transaction:
    """The customer picks a method: only now there is a transaction."""
    _require_open(gateway, session, method_name)
    options = session.body.get(METHODS[method_name].payment_type)
    options = session.body.get(method_name, options)
    options = _options(gateway, method_name, options, card_number, phone)
    asked, now = session.body.get("expiry"), gateway.clock.now()
    order = Order(
        order_id=session.order_id,
        amount=session.amount,
        method_name=method_name,
        expires_at=expiry(asked, method_name, options, now),
        options=options,
        echoes=echoes(session.body) | _recurring(session.body),
    )
    transaction = start(gateway, order, session.notify_urls)
    session.transactions.append(transaction)
    return transaction


def _recurring(body: Fields) -> Fields:
    """Comes back in notices (7.1)."""
    return {"recurring": body["recurring"]} if body.get("recurring") is not None else {}


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    try:
        require_server_key(request.headers, gateway.config.server_key)
    except Refusal as refusal:
        raise SnapRefusal(401, *UNAUTHORIZED) from refusal
    gateway.agenda.run_due()
    return gateway


def _session(gateway: Gateway, request: Request, sent: Any) -> Session:
    body: Fields = sent if isinstance(sent, dict) else {}
    order_id, amount = read_details(body, strict=gateway.config.strict)
    _refuse_reuse(gateway, order_id)
    return Session(
        token=str(uuid4()),
        order_id=order_id,
        amount=amount,
        body=body,
        methods=_enabled(body.get("enabled_payments"), gateway.config.disabled_methods),
        page_expires_at=_page_expiry(body, gateway.clock.now()),
        notify_urls=notify_urls(
            request.headers.get("x-override-notification"),
            request.headers.get("x-append-notification"),
            gateway.config.notify_url,
        ),
    )


def _refuse_reuse(gateway: Gateway, order_id: str) -> None:
    """Once a transaction exists under it, an order id is gone for Snap (7.1)."""
    attempts = gateway.book.by_order_id(order_id)
    if attempts:
        paid = STATES[attempts[-1].status].notice_code == "200"
        raise Invalid(UTILIZED if paid else TAKEN)


def _enabled(wanted: Any, disabled: frozenset[str]) -> tuple[str, ...]:
    names = wanted if isinstance(wanted, list) else []
    meant = [one for name in names for one in ALIASES.get(str(name), [str(name)])]
    active = tuple(name for name in METHODS if name not in disabled)
    known = tuple(dict.fromkeys(name for name in meant if name in active))
    return known or active


def _page_expiry(body: Fields, now: datetime) -> datetime:
    """`page_expiry`, else `expiry`, else a day; never longer than a week (7.2)."""
    wanted = body.get("page_expiry") or body.get("expiry")
    if not isinstance(wanted, dict):
        return now + PAGE_LASTS
    until = deadline(wanted, now)
    if until - now < PAGE_LASTS_AT_LEAST:
        raise Invalid("expiry is below minimum threshold")
    return min(until, now + PAGE_LASTS_AT_MOST)


def _require_open(gateway: Gateway, session: Session, method_name: str) -> None:
    if method_name not in session.methods:
        raise NotPossible(f"{method_name} is not offered on this page.")
    if session.canceled_at or gateway.clock.now() >= session.page_expires_at:
        raise NotPossible("This page is no longer open.")
    if len(gateway.book.by_order_id(session.order_id)) > len(session.transactions):
        raise NotPossible("This order was charged by other means.")
    latest = session.latest
    if not session.may_choose and latest:
        raise NotPossible(f"There is a transaction already, and it is {latest.status}.")


def _options(gateway: Gateway, method_name: str, sent: Any, card_number: str, phone: str) -> Fields:
    """As a charge would say it: the merchant's wishes, and what the customer typed in."""
    options = dict(sent) if isinstance(sent, dict) else {}
    if method_name == "ovo":
        return options | {"payer_phone_number": phone}
    if method_name != "credit_card":
        return options
    query = {"card_number": card_number, "card_exp_month": "12", "card_exp_year": "2099"}
    return options | {
        "token_id": gateway.vault.tokenize(query),
        "authentication": options.get("secure"),  # Snap's word for it, 7.1
        "save_token_id": options.get("save_card"),
        "bins": options.get("whitelist_bins"),
    }


def finish_code(transaction: Transaction) -> str:
    """What the finish URL says about the outcome (7.4)."""
    return "407" if transaction.status is Status.EXPIRE else STATES[transaction.status].notice_code


routes: Final = [
    Route("/snap/v1/transactions", create, methods=["POST"]),
    Route("/snap/v1/transactions/{token}/cancel", cancel, methods=["POST"]),
    Route("/snap/v1/transactions/{token}/expire", expire, methods=["POST"]),
]
