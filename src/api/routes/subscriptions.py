"""Subscriptions: create, look at, change, preview a change, end. A write answers from the streams it
wrote.
"""

from fastapi import APIRouter, Response

from api import asked
from api.past import Past
from api.routes.parts import (
    MayCancelSubscriptions,
    MayChangeSubscriptions,
    MayCreateSubscriptions,
    MayReadSubscriptions,
    SubscriptionId,
    Wired,
)
from api.strict_json import StrictRoute
from api.subscribing import ANSWER, CREATED, Act, Look
from api.subscription_bodies import ChangeBody, EndBody, SubscriptionBody
from api.subscription_views import PreviewView, SubscriptionView
from api.two_times import AsOf
from api.versions import etag

router = APIRouter(prefix="/api/v1/subscriptions", tags=["subscriptions"], route_class=StrictRoute)


@router.post("", status_code=201, responses=CREATED)
async def create_subscription(
    body: SubscriptionBody, caller: MayCreateSubscriptions, act: Act
) -> Response:
    """Sell a plan to a customer. Without a trial the first bill is pulled, or sent, at once."""
    return await act.create(caller, body)


@router.get("/{subscription_id}", response_model=SubscriptionView, response_model_exclude_none=True)
async def get_subscription(
    subscription_id: SubscriptionId,
    response: Response,
    caller: MayReadSubscriptions,
    look: Look,
    moment: AsOf = None,
) -> SubscriptionView:
    """As it stands, or as it stood."""
    if moment is not None:
        past = await Past.at(look.wired, moment)
        await past.wired.subscriptions.get(subscription_id)
        view = await past.looking(subscription_id).view(subscription_id)
        return view.model_copy(update={"as_of": past.seen(subscription_id)})
    view = await look.view(subscription_id)
    response.headers["ETag"] = etag(view.version)
    return view


@router.put("/{subscription_id}", responses=ANSWER)
async def change_subscription(
    subscription_id: SubscriptionId,
    body: ChangeBody,
    caller: MayChangeSubscriptions,
    act: Act,
    wired: Wired,
) -> Response:
    """Another plan, quantity or coupon, now or later; or another way of paying. What is not named
    stays. Of two such requests that race, one is refused.
    """
    return await act(caller, body, subscription_id, lambda s: asked.update(wired, s, body))


@router.post(
    "/{subscription_id}/preview", response_model=PreviewView, response_model_exclude_none=True
)
async def preview_change(
    subscription_id: SubscriptionId, body: ChangeBody, caller: MayChangeSubscriptions, look: Look
) -> PreviewView:
    """What the change would bring, by the code that makes it; nothing is stored."""
    return await look.preview(subscription_id, body)


@router.delete("/{subscription_id}", responses=ANSWER)
async def end_subscription(
    subscription_id: SubscriptionId, body: EndBody, caller: MayCancelSubscriptions, act: Act
) -> Response:
    """End it, by default with what is paid for; until then `reactivate` takes that back."""
    return await act(caller, body, subscription_id, lambda s: asked.end(s, body))
