"""Customers and the payment methods they have saved. What names them is answered only to who may see
it, and no answer that does is kept.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from api.customer_bodies import CustomerBody, MethodBody, NewCustomerBody, PreferredBody
from api.customer_views import CustomerPage, CustomerRowView, CustomerView, SavedMethodView
from api.idempotency import Answer, MayRepeat
from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.routes.parts import MayChangeCustomers, MayReadCustomers, Wired, acting, as_of, cut
from api.strict_json import StrictRoute
from api.wiring import Wiring
from ledger.access.caller import Caller
from ledger.customers.customer import CUSTOMER_ID, Customer
from ledger.eventstore.store import Context
from projections import customers as customer_rows

router = APIRouter(prefix="/api/v1/customers", tags=["customers"], route_class=StrictRoute)

CustomerId = Annotated[str, Path(pattern=f"^{CUSTOMER_ID}$")]
MethodId = Annotated[str, Path(pattern=r"^pm_[0-9a-hjkmnp-tv-z]{26}$")]
Why = Annotated[
    Literal["customer_request", "replaced", "expired", "lost", "fraud", "other"], Query()
]


@router.post("", status_code=201, response_model=CustomerView, response_model_exclude_none=True)
async def register_customer(
    body: NewCustomerBody, caller: MayChangeCustomers, once: MayRepeat, wired: Wired
) -> Response:
    async def work(context: Context) -> Answer:
        done = await wired.customers.register(
            body.customer_id or "", body.in_clear(), body.language, context
        )
        view = await seen_by(caller, done.state, wired)
        return Answer(201, view, replayed=done.replayed)

    return await once.unkept(caller, body, work)


@router.get("", response_model=CustomerPage)
async def list_customers(
    caller: MayReadCustomers,
    wired: Wired,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> CustomerPage:
    """Newest first, without anything that names them."""
    after = wired.cursors.read("customers", cursor, tuple[int]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await customer_rows.page(conn, after, size + 1), size)
    last = (rows[-1]["first_position"],) if more else None
    return CustomerPage(
        customers=[CustomerRowView.of_row(row) for row in rows],
        next_cursor=last and wired.cursors.write("customers", last),
        as_of=fresh,
    )


@router.get("/{customer_id}", response_model=CustomerView, response_model_exclude_none=True)
async def get_customer(
    customer_id: CustomerId, caller: MayReadCustomers, wired: Wired
) -> CustomerView:
    return await seen_by(caller, await wired.customers.get(customer_id), wired)


@router.put("/{customer_id}", response_model=CustomerView, response_model_exclude_none=True)
async def change_customer(
    request: Request,
    customer_id: CustomerId,
    body: CustomerBody,
    caller: MayChangeCustomers,
    wired: Wired,
) -> CustomerView:
    """To just what is said: a field that is not there is known no more."""
    done = await wired.customers.change(
        customer_id, body.in_clear(), body.language, acting(request, caller)
    )
    return await seen_by(caller, done.state, wired)


@router.post(
    "/{customer_id}/payment-methods",
    status_code=201,
    response_model=SavedMethodView,
    response_model_exclude_none=True,
)
async def attach_payment_method(
    customer_id: CustomerId,
    body: MethodBody,
    caller: MayChangeCustomers,
    once: MayRepeat,
    wired: Wired,
) -> Response:
    async def work(context: Context) -> Answer:
        method_id, done = await wired.customers.attach(
            customer_id, body.kind, body.sealable(), context, **body.shown()
        )
        saved = next(each for each in done.state.methods if each.method_id == method_id)
        return Answer(201, SavedMethodView.of(saved), replayed=done.replayed)

    return await once.unkept(caller, body, work)


@router.delete(
    "/{customer_id}/payment-methods/{method_id}",
    response_model=CustomerView,
    response_model_exclude_none=True,
)
async def detach_payment_method(
    request: Request,
    customer_id: CustomerId,
    method_id: MethodId,
    caller: MayChangeCustomers,
    wired: Wired,
    reason: Why = "customer_request",
) -> CustomerView:
    """It is charged no more. Twice is once."""
    done = await wired.customers.detach(customer_id, method_id, reason, acting(request, caller))
    return await seen_by(caller, done.state, wired)


@router.put(
    "/{customer_id}/preferred-method",
    response_model=CustomerView,
    response_model_exclude_none=True,
)
async def prefer_method(
    request: Request,
    customer_id: CustomerId,
    body: PreferredBody,
    caller: MayChangeCustomers,
    wired: Wired,
) -> CustomerView:
    done = await wired.customers.prefer(customer_id, body.method, acting(request, caller))
    return await seen_by(caller, done.state, wired)


async def seen_by(caller: Caller, customer: Customer, wired: Wiring) -> CustomerView:
    may = caller.may("customers:open")
    return CustomerView.of(customer, await wired.customers.details(customer) if may else None)
