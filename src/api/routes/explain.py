"""Explanations: from a number or a state down to events, commands and what the gateway sent."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import explaining
from api.explain_views import ExplanationView
from api.explaining import CURRENCY, AskedOfAccount
from api.pagination import PageCursor
from api.routes.accounts import Account
from api.routes.parts import MayExplain, PaymentId, SubscriptionId, Wired
from api.routes.reports import MONTH
from api.strict_json import StrictRoute
from api.two_times import AsOf, Day, EffectiveOn, KnownAt, one_point
from projections.explaining.tree import DEFAULT_SIZE, LARGEST_SIZE
from projections.recurring_revenue import Kind

router = APIRouter(
    prefix=explaining.PATH,
    tags=["explanations"],
    route_class=StrictRoute,
)

Month = Annotated[str, Path(pattern=MONTH, description="As `2026-03`, in Jakarta.")]
OfMonth = Annotated[
    str | None, Query(alias="month", pattern=MONTH, description="Only what counts for this month.")
]
Size = Annotated[
    int,
    Query(
        ge=1,
        le=LARGEST_SIZE,
        alias="pageSize",
        description="Postings, movements or steps, at most.",
    ),
]


@router.get("/accounts/{account}", response_model=ExplanationView, response_model_exclude_none=True)
async def explain_balance(
    account: Account,
    caller: MayExplain,
    wired: Wired,
    currency: Annotated[str, Query(max_length=3)] = CURRENCY,
    effective_on: EffectiveOn = None,
    known_at: KnownAt = None,
    moment: AsOf = None,
    month: OfMonth = None,
    day: Day = None,
    size: Size = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> ExplanationView:
    """Why an account holds what it holds: what fits is told whole, else month by month, day by day, and in
    pages of postings.
    """
    asked = AskedOfAccount(
        account=account,
        currency=currency,
        effective_on=effective_on,
        point=one_point(known_at, moment),
        month=date.fromisoformat(f"{month}-01") if month else None,
        day=day,
        cursor=cursor,
        size=size,
    )
    return ExplanationView.of(await explaining.balance(wired, asked))


@router.get(
    "/payments/{payment_id}", response_model=ExplanationView, response_model_exclude_none=True
)
async def explain_payment(
    payment_id: PaymentId,
    caller: MayExplain,
    wired: Wired,
    moment: AsOf = None,
    size: Size = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> ExplanationView:
    """Why a payment has its status: each event of it, newest first, with its entries."""
    explained = await explaining.payment(wired, payment_id, moment, cursor, size)
    return ExplanationView.of(explained)


@router.get(
    "/subscriptions/{subscription_id}",
    response_model=ExplanationView,
    response_model_exclude_none=True,
)
async def explain_subscription(
    subscription_id: SubscriptionId,
    caller: MayExplain,
    wired: Wired,
    moment: AsOf = None,
    size: Size = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> ExplanationView:
    """Why a subscription has its status: what moved it, newest first, with the payments behind it."""
    explained = await explaining.subscription(wired, subscription_id, moment, cursor, size)
    return ExplanationView.of(explained)


@router.get("/recurring/{month}", response_model=ExplanationView, response_model_exclude_none=True)
async def explain_recurring(
    month: Month,
    caller: MayExplain,
    wired: Wired,
    kind: Kind | None = None,
    size: Size = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> ExplanationView:
    """Why recurring revenue (MRR) is what it is at the end of a month: where it began, and what moved it."""
    day = date.fromisoformat(f"{month}-01")
    return ExplanationView.of(await explaining.recurring(wired, day, kind, cursor, size))
