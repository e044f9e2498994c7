"""Subscriptions: pause, resume, take up again, withdraw a scheduled change, bill what was missed."""

from typing import Final

from fastapi import APIRouter, Response

from api import asked
from api.routes.parts import MayChangeSubscriptions, SubscriptionId, Wired
from api.strict_json import StrictRoute
from api.subscribing import ANSWER, Act
from api.subscription_bodies import NothingBody, PauseBody, ReactivateBody

router = APIRouter(
    prefix="/api/v1/subscriptions/{subscription_id}",
    tags=["subscriptions"],
    route_class=StrictRoute,
)

NOTHING: Final = NothingBody()
AS_BEFORE: Final = ReactivateBody()


@router.post("/pause", responses=ANSWER)
async def pause_subscription(
    subscription_id: SubscriptionId, body: PauseBody, caller: MayChangeSubscriptions, act: Act
) -> Response:
    """Nothing is billed until it is resumed; what is paid for runs on."""
    return await act(caller, body, subscription_id, lambda s: asked.pause(s, body))


@router.post("/resume", responses=ANSWER)
async def resume_subscription(
    subscription_id: SubscriptionId,
    caller: MayChangeSubscriptions,
    act: Act,
    body: NothingBody = NOTHING,
) -> Response:
    """Where what was paid for is over, a new period begins and is billed."""
    return await act(caller, body, subscription_id, asked.resume)


@router.post("/reactivate", responses=ANSWER)
async def reactivate_subscription(
    subscription_id: SubscriptionId,
    caller: MayChangeSubscriptions,
    act: Act,
    wired: Wired,
    body: ReactivateBody = AS_BEFORE,
) -> Response:
    """One that is to be cancelled goes on as it was; one that has ended begins anew."""
    return await act(caller, body, subscription_id, lambda s: asked.reactivate(wired, s, body))


@router.delete("/scheduled-change", responses=ANSWER)
async def withdraw_change(
    subscription_id: SubscriptionId, caller: MayChangeSubscriptions, act: Act
) -> Response:
    """It stays as it is."""
    return await act(caller, None, subscription_id, asked.withdraw_change)


@router.post("/missed-periods", responses=ANSWER)
async def bill_missed_period(
    subscription_id: SubscriptionId,
    caller: MayChangeSubscriptions,
    act: Act,
    body: NothingBody = NOTHING,
) -> Response:
    """Bill the oldest of the periods that passed while nobody billed them."""
    return await act(caller, body, subscription_id, asked.bill_missed)
