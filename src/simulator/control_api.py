"""The control API: acting as customer, bank and clock. No key; for the loopback only."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import control_forms, customer, refunds, snap_api
from simulator.clock import moment, wib
from simulator.gateway import Gateway
from simulator.sessions import Session
from simulator.transactions import Fields, NotPossible, Status, Transaction
from simulator.views import refund_view, shared
from simulator.wire import Json

NUMBERS: Final = ("va_number", "bill_key", "payment_code")
Act = Callable[[Gateway, Fields], Fields]


class NotThere(NotPossible):
    """Answered 404 where `NotPossible` is 409."""


async def not_possible(request: Request, error: Exception) -> Response:
    """Starlette's handler for `NotPossible`: a page for people, JSON for programs."""
    return _error(request, str(error), 404 if isinstance(error, NotThere) else 409)


def _error(request: Request, words: str, http_status: int) -> Response:
    if control_forms.wants_a_page(request):
        return control_forms.told(words, http_status)
    return Json({"error": words}, http_status)


def control(act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        gateway: Gateway = request.app.state.gateway
        gateway.agenda.run_due()
        try:
            asked = await control_forms.read(request)
            back = asked.pop(control_forms.BACK, None)
            done = act(gateway, asked)
        except (KeyError, TypeError, ValueError) as error:
            return _error(request, f"{type(error).__name__}: {error}", 400)
        return Json(done) if back is None else control_forms.back_to(str(back))

    return handle


def describe(gateway: Gateway, transaction: Transaction) -> Fields:
    """Everything, for tests that compare a ledger with what really happened."""
    return shared(transaction, gateway.config.merchant_id) | {
        "method": transaction.method_name,
        "status": transaction.status.value,
        "gross_amount": transaction.gross_amount,
        "authorized_amount": transaction.authorized_amount,
        "refunded_amount": transaction.refunded,
        "chargeback_amount": transaction.chargeback_amount,
        "refunds": [
            refund_view(refund) | {"amount": refund.amount} for refund in transaction.refunds
        ],
        "history": [{"at": wib(at), "status": status.value} for at, status in transaction.history],
        "idempotency_key": transaction.idempotency_key,
        "request_count": transaction.charge_requests,
        "charge_extras": transaction.once,
        "notify_urls": list(transaction.notify_urls),
    }


def transactions(gateway: Gateway, asked: Fields) -> Fields:
    """All of them, or those of `?order_id=`."""
    wanted = gateway.book.by_order_id(asked["order_id"]) if "order_id" in asked else gateway.book
    return {"transactions": [describe(gateway, one) for one in wanted]}


def find(gateway: Gateway, asked: Fields) -> Transaction:
    for name in ("transaction_id", "order_id"):
        if name in asked:
            found = gateway.book.find(str(asked[name]))
            return _there(found, name, asked)
    for name in NUMBERS:
        if name in asked:
            return _there(gateway.book.by_number(str(asked[name])), name, asked)
    raise NotThere(f"Name a transaction by order_id, transaction_id, {' or '.join(NUMBERS)}.")


def _there(found: Transaction | None, name: str, asked: Fields) -> Transaction:
    if found is None:
        raise NotThere(f"No transaction has {name} {asked[name]}.")
    return found


def pay(gateway: Gateway, asked: Fields) -> Fields:
    transaction = _chosen(gateway, asked)
    if transaction is None:
        transaction = find(gateway, asked)
        _pay(gateway, transaction, asked)
    elif transaction.status is Status.PENDING:
        _pay(gateway, transaction, asked)
    return {"transaction": describe(gateway, transaction)}


def _chosen(gateway: Gateway, asked: Fields) -> Transaction | None:
    """On a Snap page the customer first has to choose a method; some cards then pay at once."""
    session = _session(gateway, asked)
    if session is None:
        return None
    if not session.may_choose:
        asked["transaction_id"] = session.transactions[-1].transaction_id
        return None
    typed = {name: str(asked[name]) for name in ("card_number", "phone") if name in asked}
    method_name = str(asked.get("method") or session.methods[0])
    return snap_api.choose(gateway, session, method_name, **typed)


def _session(gateway: Gateway, asked: Fields) -> Session | None:
    """Named by its token, or by its order id when nothing under that id waits to be paid."""
    if "snap_token" in asked:
        session = gateway.sessions.find(str(asked["snap_token"]))
        if session is None:
            raise NotThere(f"No Snap page has the token {asked['snap_token']}.")
        return session
    charged = gateway.book.find(str(asked.get("order_id", "")))
    waiting = charged is not None and charged.status is Status.PENDING
    return None if waiting else gateway.sessions.find(str(asked.get("order_id", "")))


def _pay(gateway: Gateway, transaction: Transaction, asked: Fields) -> None:
    customer.pay(
        gateway,
        transaction,
        amount=int(asked["amount"]) if "amount" in asked else None,
        issuer=asked.get("issuer"),
        force=bool(asked.get("force")),
        late=bool(asked.get("late")),
    )


def deny(gateway: Gateway, asked: Fields) -> Fields:
    transaction = find(gateway, asked)
    customer.deny(gateway, transaction)
    return {"transaction": describe(gateway, transaction)}


def expire(gateway: Gateway, asked: Fields) -> Fields:
    transaction = find(gateway, asked)
    gateway.move(transaction, Status.EXPIRE)
    return {"transaction": describe(gateway, transaction)}


def settle(gateway: Gateway, asked: Fields) -> Fields:
    """One captured card, or the whole batch."""
    captured = [one for one in gateway.book if one.status is Status.CAPTURE]
    chosen = [find(gateway, asked)] if asked else captured
    for transaction in chosen:
        gateway.settle(transaction)
    return {"transactions": [describe(gateway, one) for one in chosen]}


def reverse(gateway: Gateway, asked: Fields) -> Fields:
    transaction = find(gateway, asked)
    customer.reverse(gateway, transaction, force=bool(asked.get("force")))
    return {"transaction": describe(gateway, transaction)}


def chargeback(gateway: Gateway, asked: Fields) -> Fields:
    transaction = find(gateway, asked)
    amount = int(asked["amount"]) if "amount" in asked else None
    customer.charge_back(gateway, transaction, amount, force=bool(asked.get("force")))
    return {"transaction": describe(gateway, transaction)}


def confirm_refund(gateway: Gateway, asked: Fields) -> Fields:
    transaction, refund = refunds.find(gateway, str(asked["refund_key"]))
    refunds.confirm(gateway, transaction, refund)
    return {"transaction": describe(gateway, transaction)}


def clock(gateway: Gateway, _: Fields) -> Fields:
    now = gateway.clock.now()
    offset_seconds = gateway.clock.offset.total_seconds()
    due = gateway.agenda.next_due
    return {
        "now": now.isoformat(),
        "wib": wib(now),
        "offset_seconds": offset_seconds,
        "frozen": gateway.clock.frozen,
        "next": due.isoformat() if due else None,
        "notices_under_way": gateway.outbox.under_way,
        "holding_notices": gateway.outbox.holding,
    }


def advance_clock(gateway: Gateway, asked: Fields) -> Fields:
    """`set`, then `advance_seconds`, then `frozen`: any of them, in this order."""
    if not asked.keys() & {"set", "advance_seconds", "frozen"}:
        raise ValueError("say one of set, advance_seconds, frozen")
    if "set" in asked:
        gateway.set_clock(moment(str(asked["set"])))
    if "advance_seconds" in asked:
        gateway.advance(float(asked["advance_seconds"]))
    if "frozen" in asked:
        (gateway.clock.freeze if asked["frozen"] else gateway.clock.thaw)()
    return clock(gateway, asked)


POSTED: Final[dict[str, Act]] = {
    "pay": pay,
    "deny": deny,
    "expire": expire,
    "settle": settle,
    "reverse": reverse,
    "chargeback": chargeback,
    "confirm-refund": confirm_refund,
    "clock": advance_clock,
}
READ: Final[dict[str, Act]] = {
    "transactions": transactions,
    "clock": clock,
}
routes: Final = [
    *(Route(f"/_control/{name}", control(act), methods=["POST"]) for name, act in POSTED.items()),
    *(Route(f"/_control/{name}", control(act), methods=["GET"]) for name, act in READ.items()),
]
