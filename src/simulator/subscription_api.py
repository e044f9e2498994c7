"""The Subscription API, with answers and errors of its own kind (midtrans.md 1.7, 1.8, 8)."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import recurring
from simulator.endpoint import require_server_key
from simulator.gateway import Gateway
from simulator.idempotency import IN_PROGRESS, SUBSCRIPTIONS_LAST, usable
from simulator.subscription_terms import Unfit, change, read_new
from simulator.subscriptions import Subscription
from simulator.transactions import Fields
from simulator.wire import Json, Refusal, read_json

UPDATED: Final = {"status_message": "Subscription is updated."}
NOT_FOUND: Final = "Subscription doesn't exist."
Act = Callable[[Gateway, Subscription, Any], Fields]


async def unfit_refused(_: Request, error: Exception) -> Response:
    """Starlette's handler for `Unfit`."""
    assert isinstance(error, Unfit)  # Starlette types the handler too widely
    return Json(error.body, error.http_status)


async def create(request: Request) -> Response:
    """The body is looked at first, and only then whether the key was seen before (1.4)."""
    gateway = _gateway(request)
    made = read_new(await _body(request), gateway.clock.now())
    key = usable(request.headers.get("idempotency-key"))
    stored = gateway.replays.find(key) if key else None
    if stored:
        return Json(stored.answer) if stored.answer else Json(IN_PROGRESS, 202)
    gateway.subscriptions[made.id] = made
    recurring.plan(gateway, made)
    recurring.tell_created(gateway, made)
    said = made.view()
    if key:
        gateway.replays.finish(key, said, SUBSCRIPTIONS_LAST)
    return Json(said)


def of_one(act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        gateway = _gateway(request)
        body = await _body(request)
        subscription = gateway.subscriptions.get(request.path_params["id"])
        if subscription is None:
            raise Unfit(404, NOT_FOUND)
        return Json(act(gateway, subscription, body))

    return handle


def show(_: Gateway, subscription: Subscription, __: Any) -> Fields:
    return subscription.view()


def update(gateway: Gateway, subscription: Subscription, body: Any) -> Fields:
    change(subscription, body, gateway.clock.now())
    recurring.plan(gateway, subscription)
    return UPDATED


def disable(_: Gateway, subscription: Subscription, __: Any) -> Fields:
    subscription.status = "inactive"
    return UPDATED


def enable(gateway: Gateway, subscription: Subscription, _: Any) -> Fields:
    subscription.status = "active"
    subscription.schedule.catch_up(gateway.clock.now())
    recurring.plan(gateway, subscription)
    return UPDATED


def cancel(_: Gateway, subscription: Subscription, __: Any) -> Fields:
    subscription.status = "inactive"
    subscription.retries_stopped = True
    return UPDATED


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    try:
        require_server_key(request.headers, gateway.config.server_key)
    except Refusal as refusal:
        raise Unfit(401, refusal.message) from refusal
    gateway.agenda.run_due()
    return gateway


async def _body(request: Request) -> Any:
    try:
        return await read_json(request)
    except Refusal as refusal:
        raise Unfit(400, "Bad request") from refusal


PATH: Final = "/v1/subscriptions"
ONE: Final = f"{PATH}/{{id}}"
routes: Final = [
    Route(PATH, create, methods=["POST"]),
    Route(ONE, of_one(show), methods=["GET"]),
    Route(ONE, of_one(update), methods=["PATCH"]),
    Route(f"{ONE}/disable", of_one(disable), methods=["POST"]),
    Route(f"{ONE}/enable", of_one(enable), methods=["POST"]),
    Route(f"{ONE}/cancel", of_one(cancel), methods=["POST"]),
]
