"""Personal data of one customer: all of it for who asks to see it, and its erasure, which takes two."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.background import Background
from api.disclosing import disclosed
from api.personal_bodies import EraseBody, HoldBody
from api.personal_views import ErasureView, PersonalDataView
from api.routes.parts import MayErase, MayReadPersonalData, Wired, acting
from api.strict_json import StrictRoute

router = APIRouter(
    prefix="/api/v1/customers/{customer_id}/personal-data",
    tags=["personal data"],
    route_class=StrictRoute,
)

# Also of customers who never registered, and are only named by payments.
Anybody = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


@router.get("", response_model=PersonalDataView, response_model_exclude_none=True)
async def show_personal_data(
    request: Request, customer_id: Anybody, caller: MayReadPersonalData, wired: Wired
) -> PersonalDataView:
    """A copy for the person (UU 27/2022, article 32). That it was given stands in the log."""
    customer = await wired.erasure.disclose(customer_id, acting(request, caller))
    return await disclosed(wired, customer_id, customer, caller.actor)


@router.delete(
    "",
    response_model=ErasureView,
    response_model_exclude_none=True,
    responses={
        202: {"model": ErasureView, "description": "A second person, or a worker, goes on."}
    },
)
async def erase_personal_data(
    request: Request,
    response: Response,
    customer_id: Anybody,
    body: EraseBody,
    caller: MayErase,
    wired: Wired,
) -> ErasureView:
    """Ask for it, or be the second person to ask for the same: then it is done, and cannot be undone."""
    background: Background = request.app.state.background
    context = acting(request, caller)
    asked = await wired.erasure.ask(customer_id, body.payments, body.reason, context)
    if asked.erasure.approved:
        going_on = wired.erasure.go_on(customer_id)
        asked = await background.within(wired.settings.answer_within_seconds, going_on) or asked
    response.status_code = 200 if asked.erasure.erased else 202
    return ErasureView.of(customer_id, asked)


@router.put("/hold", response_model=ErasureView, response_model_exclude_none=True)
async def hold_personal_data(
    request: Request, customer_id: Anybody, body: HoldBody, caller: MayErase, wired: Wired
) -> ErasureView:
    """A law or a court wants it kept: nobody erases it until the day, or until that is lifted."""
    context = acting(request, caller)
    held = await wired.erasure.hold(customer_id, body.basis, body.until, context)
    return ErasureView.of(customer_id, held)


@router.delete("/hold", response_model=ErasureView, response_model_exclude_none=True)
async def lift_hold(
    request: Request, customer_id: Anybody, caller: MayErase, wired: Wired
) -> ErasureView:
    lifted = await wired.erasure.lift(customer_id, acting(request, caller))
    return ErasureView.of(customer_id, lifted)
