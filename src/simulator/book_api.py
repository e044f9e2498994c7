"""GET /_control/book: what really happened, for whoever checks a ledger against it."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.book import Book
from simulator.gateway import Gateway
from simulator.request_log import iso
from simulator.transactions import Fields, Refund, Transaction


async def book(request: Request) -> Response:
    """Everything, or what is about `?order_id=`, or what is new since `?since_serial=`.

    New are the requests with a higher serial, and the orders that changed after that request had
    come: a superset of those that the new requests changed, for customers and banks act, too.
    """
    gateway: Gateway = request.app.state.gateway
    gateway.agenda.run_due()
    try:
        since = int(request.query_params.get("since_serial", 0))
    except ValueError:
        return Response('{"error": "since_serial must be a whole number"}', 400)
    told = _about(gateway, request.query_params.get("order_id"), since)
    return Response(msgspec.json.encode(told), media_type="application/json")


def _about(gateway: Gateway, order_id: str | None, since: int) -> Fields:
    held, log = gateway.book, gateway.book.requests
    if order_id is None:
        chosen, requests = held.orders, log.after(since)
    else:
        charged = held.by_order_id(order_id)
        chosen = {order_id: charged} if charged else {}
        requests = [entry for entry in log.about(order_id) if entry.serial > since]
    return {
        "now": iso(gateway.clock.now()),
        "serial": len(log),
        "orders": [
            {"order_id": name, "transactions": [_told(held, one) for one in attempts]}
            for name, attempts in chosen.items()
            if not since or any(one.changed_at_request >= since for one in attempts)
        ],
        "requests": requests,
    }


def _told(book: Book, transaction: Transaction) -> msgspec.Raw:
    """Encoded once for each change: with many orders that is most of the work."""
    refunds = tuple(refund.status for refund in transaction.refunds)
    version = (len(transaction.history), transaction.gross_amount, refunds)
    kept = book.told.get(transaction.transaction_id)
    if kept is None or kept[0] != version:
        kept = (version, msgspec.Raw(msgspec.json.encode(_transaction(transaction))))
        book.told[transaction.transaction_id] = kept
    return kept[1]


def _transaction(transaction: Transaction) -> Fields:
    return {
        "transaction_id": transaction.transaction_id,
        "method": transaction.method_name,
        "status": transaction.status,
        "gross_amount": transaction.gross_amount,
        "created_at": iso(transaction.created_at),
        "history": [{"at": iso(at), "status": status} for at, status in transaction.history],
        "refunds": [_refund(refund) for refund in transaction.refunds],
        "refunded": transaction.refunded,
        "request": transaction.request,
    }


def _refund(refund: Refund) -> Fields:
    return {
        "refund_key": refund.key,
        "amount": refund.amount,
        "at": iso(refund.created_at),
        "status": refund.status,  # accepted, confirmed, denied
        "request": refund.request,
    }


routes: Final = [Route("/_control/book", book)]
