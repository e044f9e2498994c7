"""The Core API: charge, status, actions, refunds, card tokens (midtrans.md 2, 4, 5, 6)."""

from typing import Final, NamedTuple
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import bins, card_payments, cards, customer, gopay_payments, multi_use, qris, refunds
from simulator.clock import wib
from simulator.endpoint import Act, Call, endpoint
from simulator.gateway import Gateway
from simulator.orders import NOT_ACTIVE, Order, notify_urls, read_charge
from simulator.refunds import WAYS
from simulator.transactions import Fields, Status, Transaction
from simulator.views import charge_answer, shared, status_answer
from simulator.wire import (
    DUPLICATE_ORDER,
    NO_KEY,
    NOT_ALLOWED,
    NOT_FOUND,
    SERVER_ERROR,
    Invalid,
    Refusal,
    answer,
    rupiah,
)

HAVE_POINTS: Final = ("bni", "mandiri")
NO_OVO: Final = ("404", "User with requested phone number doesn't exist")


def charge(call: Call) -> Fields:
    if not isinstance(call.body, dict) or not call.body:
        raise Refusal(*SERVER_ERROR)
    gateway = call.gateway
    order = read_charge(call.body, gateway.clock.now(), strict=gateway.config.strict)
    if order.method_name in gateway.config.disabled_methods:
        raise Refusal(*NOT_ACTIVE)
    _refuse_reuse(gateway, order.order_id)
    urls = notify_urls(
        call.headers.get("x-override-notification"),
        call.headers.get("x-append-notification"),
        gateway.config.notify_url,
    )
    transaction = start(gateway, order, urls, deny=call.hint.deny)
    transaction.idempotency_key = call.headers.get("idempotency-key")
    transaction.reversed_after_seconds = call.hint.reversed_after_seconds
    return charge_answer(transaction, gateway.config.merchant_id)


def start(
    gateway: Gateway, order: Order, urls: tuple[str, ...], *, deny: bool = False
) -> Transaction:
    """The same for a charge and for a choice on a Snap page."""
    if order.method_name == "credit_card":
        return card_payments.charge(gateway, order, urls, deny=deny)
    if order.method_name == "gopay" and gopay_payments.is_tokenised(order):
        return gopay_payments.charge(gateway, order, urls, deny=deny)
    if order.method_name == "ovo":
        _require_ovo_account(order)
    transaction = gateway.open(order, urls)
    if deny:
        transaction.denial = "Transaction is denied by the provider"
        gateway.move(transaction, Status.DENY)
        return transaction
    gateway.announce(transaction)
    if order.method_name == "ovo":
        customer.answer_ovo(gateway, transaction)
    return transaction


def _require_ovo_account(order: Order) -> None:
    if customer.ovo_phone(order.options) == customer.OVO_UNREGISTERED:
        raise Refusal(*NO_OVO)


def _refuse_reuse(gateway: Gateway, order_id: str) -> None:
    attempts = gateway.book.by_order_id(order_id)
    if attempts and not attempts[-1].frees_its_order_id:
        attempts[-1].charge_requests += 1
        raise Refusal(*DUPLICATE_ORDER)


def find(call: Call) -> Transaction:
    """By either id; DANA only by its own, and only for callers who say it came through Snap (6)."""
    transaction = call.gateway.book.find(call.id)
    if transaction and transaction.method_name == "dana":
        from_snap = call.headers.get("transaction-source") == "SNAP_API"
        if not from_snap or call.id != transaction.transaction_id:
            transaction = None
    if transaction is None:
        raise Refusal(*NOT_FOUND)
    return transaction


def status(call: Call) -> Fields:
    config = call.gateway.config
    return status_answer(find(call), config.merchant_id, config.server_key)


def status_b2b(call: Call) -> Fields:
    """Every payment to a virtual account that can be paid again and again."""
    page, per_page = _count(call, "page", 0), _count(call, "per_page", multi_use.PER_PAGE)
    config = call.gateway.config
    listed = multi_use.listed(call.gateway, find(call), page, per_page)
    return {
        "status_code": "200",
        "status_message": "Success, transactions are retrieved",
        "transactions": [
            status_answer(one, config.merchant_id, config.server_key) for one in listed
        ],
    }


def _count(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal():
        raise Invalid(f"{name} must be a whole number")
    return int(text)


class Action(NamedTuple):
    allowed: tuple[Status, ...]
    under_review: bool  # only while fraud detection challenges it
    to: Status
    fraud_status: str | None
    code: str
    message: str


# midtrans.md 6. Everything else answers 412.
ACTIONS: Final = {
    "cancel": Action(
        (Status.PENDING, Status.AUTHORIZE, Status.CAPTURE),
        False,
        Status.CANCEL,
        None,
        "200",
        "Success, transaction is canceled",
    ),
    "expire": Action(
        (Status.PENDING,), False, Status.EXPIRE, None, "407", "Success, transaction has expired"
    ),
    "approve": Action(
        (Status.CAPTURE,),
        True,
        Status.CAPTURE,
        "accept",
        "200",
        "Success, transaction is approved",
    ),
    "deny": Action(
        (Status.CAPTURE,), True, Status.DENY, "deny", "200", "Success, transaction is denied"
    ),
}


def action(name: str) -> Act:
    rule = ACTIONS[name]

    def act(call: Call) -> Fields:
        transaction = find(call)
        gateway, said = call.gateway, {"status_code": rule.code, "status_message": rule.message}
        closing = name == "cancel" and multi_use.is_open(gateway, transaction)
        if closing:
            multi_use.close(gateway, transaction)
        if closing and transaction.status not in rule.allowed:
            return said | shared(transaction, gateway.config.merchant_id)
        challenged = transaction.fraud_status == "challenge"
        if transaction.status not in rule.allowed or (rule.under_review and not challenged):
            raise Refusal(*NOT_ALLOWED)
        if name == "cancel" and card_payments.is_past_cancelling(transaction):
            raise Refusal(*NOT_ALLOWED)
        gateway.move(transaction, rule.to, fraud=rule.fraud_status)
        return said | shared(transaction, gateway.config.merchant_id)

    return act


def capture(call: Call) -> Fields:
    body = call.body if isinstance(call.body, dict) else {}
    return card_payments.capture(call.gateway, body, deny=call.hint.deny)


def refund(way: str) -> Act:
    def act(call: Call) -> Fields:
        body = call.body if isinstance(call.body, dict) else {}
        return refunds.refund(
            call.gateway,
            find(call),
            body,
            WAYS[way],
            deny=call.hint.deny,
            denied_after_seconds=call.hint.refund_denied_after_seconds,
        )

    return act


def point_inquiry(call: Call) -> Fields:
    """What a card's points are worth. Asking does not use the token up."""
    gateway = call.gateway
    number = gateway.vault.number(call.id)
    issuer = bins.bin_of(number)
    if issuer is None or issuer.bank_code not in HAVE_POINTS:
        raise Invalid("Card points are for cards of " + " and ".join(HAVE_POINTS))
    return {
        "status_code": "200",
        "status_message": "Success, Credit Card Point inquiry is successful",
        "transaction_time": wib(gateway.clock.now()),
        "point_balance_amount": rupiah(gateway.vault.points(number)),
    }


async def token(request: Request) -> Response:
    gateway = _for_browsers(request)
    token_id = gateway.vault.tokenize(request.query_params)
    return answer(
        {
            "status_code": "200",
            "status_message": "Credit card token is created as Token ID.",
            "token_id": token_id,
            "hash": f"{token_id[:13]}-mami",
        }
    )


async def register(request: Request) -> Response:
    gateway = _for_browsers(request)
    number = gateway.vault.read(request.query_params)
    return answer(
        {
            "status_code": "200",
            "saved_token_id": gateway.vault.save(number),
            "transaction_id": str(uuid4()),
            "masked_card": cards.masked(number),
        }
    )


def _for_browsers(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    if request.query_params.get("client_key") != gateway.config.client_key:
        raise Refusal(*NO_KEY)
    return gateway


async def qr_code(request: Request) -> Response:
    """What the wallet's app scans. No key is asked for: the picture is shown to customers."""
    gateway: Gateway = request.app.state.gateway
    transaction = gateway.book.by_transaction_id(request.path_params["id"])
    if transaction is None:
        raise Refusal(*NOT_FOUND)
    text = transaction.once.get("qr_string") or qris.qr_string(
        transaction.transaction_id, transaction.gross_amount, gateway.config.merchant_id
    )
    return Response(qris.png(text), media_type="image/png")


routes: Final = [
    Route("/v2/charge", endpoint(charge), methods=["POST"]),
    Route("/v2/capture", endpoint(capture), methods=["POST"]),
    Route("/v2/token", token),
    Route("/v2/card/register", register),
    Route("/v2/point_inquiry/{id}", endpoint(point_inquiry)),
    Route("/v2/{id}/status", endpoint(status)),
    Route("/v2/{id}/status/b2b", endpoint(status_b2b)),
    *(Route(f"/v2/{{id}}/{name}", endpoint(action(name)), methods=["POST"]) for name in ACTIONS),
    Route("/v2/{id}/refund", endpoint(refund("refund")), methods=["POST"]),
    Route("/v2/{id}/refund/online/direct", endpoint(refund("direct")), methods=["POST"]),
    Route("/v2/gopay/{id}/qr-code", qr_code),
    Route("/v2/qris/{id}/qr-code", qr_code),
    Route("/v4/qris/gopay/{id}/qr-code", qr_code),
    Route("/v4/qris/{id}/qr-code", qr_code),
]
