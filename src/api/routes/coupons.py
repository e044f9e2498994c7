"""Coupons: made here, redeemed with a subscription."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.idempotency import Answer, MayRepeat
from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.plan_bodies import CouponBody
from api.plan_views import CouponPage, CouponView
from api.routes.parts import MayChangeCoupons, MayReadCoupons, Wired, acting, as_of, cut
from api.strict_json import StrictRoute
from ledger.coupons.terms import CODE
from ledger.eventstore.store import Context
from projections import coupons as coupon_rows

router = APIRouter(prefix="/api/v1/coupons", tags=["plans"], route_class=StrictRoute)

CouponCode = Annotated[str, Path(pattern=f"^{CODE}$")]


@router.post("", status_code=201, response_model=CouponView, response_model_exclude_none=True)
async def create_coupon(
    body: CouponBody, caller: MayChangeCoupons, once: MayRepeat, wired: Wired
) -> Response:
    async def work(context: Context) -> Answer:
        coupon = await wired.coupons.create(
            body.terms(), context, redeem_by=body.redeem_by, most=body.most
        )
        return Answer(201, CouponView.of(coupon))

    return await once(caller, body, work)


@router.get("", response_model=CouponPage)
async def list_coupons(
    caller: MayReadCoupons,
    wired: Wired,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> CouponPage:
    """Newest first."""
    after = wired.cursors.read("coupons", cursor, tuple[int]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await coupon_rows.page(conn, after, size + 1), size)
    return CouponPage(
        coupons=[CouponView.of_row(row) for row in rows],
        next_cursor=wired.cursors.write("coupons", (rows[-1]["first_position"],)) if more else None,
        as_of=fresh,
    )


@router.get("/{code}", response_model=CouponView, response_model_exclude_none=True)
async def get_coupon(code: CouponCode, caller: MayReadCoupons, wired: Wired) -> CouponView:
    return CouponView.of(await wired.coupons.get(code))


@router.delete("/{code}", response_model=CouponView, response_model_exclude_none=True)
async def withdraw_coupon(
    request: Request, code: CouponCode, caller: MayChangeCoupons, wired: Wired
) -> CouponView:
    """Nobody redeems it any more; who has, keeps it. Twice is once."""
    return CouponView.of(await wired.coupons.withdraw(code, acting(request, caller)))
