"""Payments: request, look at, capture, cancel, refund. A write answers from the stream it wrote."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.background import Background
from api.bodies import CancelBody, CaptureBody, PaymentBody, RefundBody
from api.direct import direct
from api.idempotency import Answer, MayRepeat
from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.past import Past
from api.routes.parts import (
    MayCancel,
    MayCapture,
    MayCreate,
    MayRead,
    MayReadEvents,
    MayRefund,
    PaymentId,
    Wired,
    as_of,
    cut,
)
from api.strict_json import StrictRoute
from api.two_times import AsOf, OccurredFrom, OccurredTo, RecordedFrom, RecordedTo
from api.views import EventPage, EventView, PaymentPage, PaymentRowView, PaymentView
from api.wiring import Wiring
from ledger import clock
from ledger.errors import Conflict
from ledger.eventstore.store import Context, Executed
from ledger.identity import PAYMENT, REFUND, derived_id, new_id
from ledger.money import Money, currency
from ledger.payments.events import PaymentRequested
from ledger.payments.life import RefundStatus, Status
from ledger.payments.payment import Payment
from projections import payment_events
from projections import payments as payment_rows

router = APIRouter(prefix="/api/v1/payments", tags=["payments"], route_class=StrictRoute)

OPEN = frozenset({Status.REQUESTED, Status.DISPATCHED, Status.UNKNOWN})
NOT_ANSWERED = frozenset({RefundStatus.REQUESTED, RefundStatus.DISPATCHED, RefundStatus.UNKNOWN})
PAYMENT_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": PaymentView},
    201: {"model": PaymentView},
    202: {"model": PaymentView, "description": "Accepted; the gateway has not answered yet."},
}


class CaptureRefusedByGateway(Conflict):
    code = "capture_refused_by_gateway"
    title = "The gateway refused the capture; the events of the payment say why."


class CancelRefusedByGateway(Conflict):
    code = "cancel_refused_by_gateway"
    title = "The gateway refused to cancel; the payment may just have been paid."


@router.post("", status_code=201, responses=PAYMENT_ANSWER)
async def create_payment(
    request: Request, body: PaymentBody, caller: MayCreate, once: MayRepeat, wired: Wired
) -> Response:
    """Request a payment. The answer tells the payer what to do next."""

    async def work(context: Context) -> Answer:
        began, asked = clock.monotonic_seconds(), _request(body)
        done = await wired.payments.request(
            asked,
            context,
            country=body.country,
            payer=body.payer.in_clear(),
            card_token=body.card_token or "",
        )
        return await _charged(request, wired, done, began)

    return await once(caller, body, work)


@router.get("", response_model=PaymentPage)
async def list_payments(
    caller: MayRead,
    wired: Wired,
    status: Annotated[str | None, Query(max_length=32)] = None,
    method: Annotated[str | None, Query(alias="paymentMethod", max_length=32)] = None,
    customer_id: Annotated[str | None, Query(alias="customerId", max_length=64)] = None,
    subscription_id: Annotated[str | None, Query(alias="subscriptionId", max_length=64)] = None,
    order_reference: Annotated[str | None, Query(alias="orderId", max_length=255)] = None,
    created_from: Annotated[datetime | None, Query(alias="createdFrom")] = None,
    created_to: Annotated[datetime | None, Query(alias="createdTo")] = None,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> PaymentPage:
    """Newest first. Read models may lag by a moment: `asOf` says how far they have come."""
    filters = payment_rows.PaymentFilter(
        status=status,
        method=method,
        customer_id=customer_id,
        subscription_id=subscription_id,
        created_from=created_from,
        created_to=created_to,
        order_reference=order_reference,
    )
    listing = f"payments {filters!r}"
    after = wired.cursors.read(listing, cursor, tuple[int]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await payment_rows.page(conn, filters, after, size + 1), size)
    return PaymentPage(
        payments=[PaymentRowView.of(row) for row in rows],
        next_cursor=wired.cursors.write(listing, (rows[-1]["first_position"],)) if more else None,
        as_of=fresh,
    )


@router.get("/{payment_id}", response_model=PaymentView, response_model_exclude_none=True)
@direct
async def get_payment(
    payment_id: PaymentId, caller: MayRead, wired: Wired, moment: AsOf = None
) -> Response:
    """As it stands, or as it stood."""
    if moment is not None:
        past = await Past.at(wired, moment)
        payment = await past.wired.payments.get(payment_id)
        view = PaymentView.of(payment, past.seen(payment_id))
        text = view.model_dump_json(by_alias=True, exclude_none=True)
        return Response(text, media_type="application/json")
    body = wired.payment_texts.of(await wired.payments.get(payment_id))
    return Response(body, media_type="application/json")


@router.post("/{payment_id}/capture", responses=PAYMENT_ANSWER)
async def capture_payment(
    request: Request,
    payment_id: PaymentId,
    body: CaptureBody,
    caller: MayCapture,
    once: MayRepeat,
    wired: Wired,
) -> Response:
    """Capture an authorised payment, in whole or in part."""

    async def work(context: Context) -> Answer:
        amount = Money(body.amount) if body.amount is not None else None
        done = await wired.payments.request_capture(payment_id, amount, context)
        carried = await _background(request).within(
            wired.settings.answer_within_seconds, wired.payments.capture(payment_id)
        )
        payment = carried or done.state
        if carried and payment.status is Status.AUTHORISED and payment.capture_asked is None:
            raise CaptureRefusedByGateway()
        return _answer(payment, still=lambda p: p.capture_asked is not None)

    return await once(caller, body, work)


@router.post("/{payment_id}/cancel", responses=PAYMENT_ANSWER)
async def cancel_payment(
    request: Request,
    payment_id: PaymentId,
    body: CancelBody,
    caller: MayCancel,
    once: MayRepeat,
    wired: Wired,
) -> Response:
    """Cancel what is not settled yet; a settled payment is refunded instead."""

    async def work(context: Context) -> Answer:
        done = await wired.payments.request_cancel(payment_id, body.reason, context)
        carried = await _background(request).within(
            wired.settings.answer_within_seconds, wired.payments.cancel(payment_id)
        )
        payment = carried or done.state
        if carried and payment.status is not Status.CANCELLED and not payment.cancel_asked:
            raise CancelRefusedByGateway(payment_status=payment.public_status)
        return _answer(payment, still=lambda p: p.cancel_asked)

    return await once(caller, body, work)


@router.post("/{payment_id}/refund", status_code=201, responses=PAYMENT_ANSWER)
async def refund_payment(
    request: Request,
    payment_id: PaymentId,
    body: RefundBody,
    caller: MayRefund,
    once: MayRepeat,
    wired: Wired,
) -> Response:
    """Give money back, in whole or in part; the newest of `refunds` in the answer is this one."""

    async def work(context: Context) -> Answer:
        refund_id = f"{REFUND}_{derived_id(context.command_id)[:26]}"
        amount = Money(body.amount) if body.amount is not None else None
        done = await wired.payments.request_refund(
            payment_id, refund_id, amount, body.reason, context
        )
        carried = await _background(request).within(
            wired.settings.answer_within_seconds, wired.payments.refund(payment_id, refund_id)
        )
        payment = carried or done.state
        refund = payment.find_refund(refund_id)
        known = refund is not None and refund.status not in NOT_ANSWERED
        return Answer(201 if known else 202, PaymentView.of(payment))

    return await once(caller, body, work)


@router.get("/{payment_id}/events", response_model=EventPage)
async def list_events(
    payment_id: PaymentId,
    caller: MayReadEvents,
    wired: Wired,
    occurred_from: OccurredFrom = None,
    occurred_to: OccurredTo = None,
    recorded_from: RecordedFrom = None,
    recorded_to: RecordedTo = None,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> EventPage:
    """What happened to the payment, oldest first. Versions that are missing here are its journal
    entries (see accounts).
    """
    await wired.payments.get(payment_id)
    times = payment_events.Times(occurred_from, occurred_to, recorded_from, recorded_to)
    listing = f"events {payment_id} {times!r}" if any(times) else f"events {payment_id}"
    after = wired.cursors.read(listing, cursor, tuple[int]) if cursor else (0,)
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        found = await payment_events.of(conn, payment_id, after[0], size + 1, times)
    rows, more = cut(found, size)
    return EventPage(
        events=[EventView.model_validate(row) for row in rows],
        next_cursor=wired.cursors.write(listing, (rows[-1]["version"],)) if more else None,
        as_of=fresh,
    )


def _request(body: PaymentBody) -> PaymentRequested:
    return PaymentRequested(
        occurred_at=clock.now(),
        payment_id=new_id(PAYMENT),
        amount=Money(body.amount, currency(body.currency)),
        requested_method=body.payment_method,
        sale=body.sold(),
        taxed=body.taxed,
        capture=body.capture,
        fallback=body.fallback_methods,
        expires_after_seconds=body.expires_after_seconds,
        subscription_id=body.subscription_id or "",
        customer_id=body.customer_id or "",
        saved_method=body.saved_method or "",
        metadata=body.metadata,
    )


async def _charged(
    request: Request, wired: Wiring, done: Executed[Payment], began: float
) -> Answer:
    """Try the charge at once. A repeat of a request that somebody is still working on is not
    answered yet.
    """
    if done.replayed and _is_being_sent(done.state):
        return Answer(202, PaymentView.of(done.state), settled=False)
    charged = await _background(request).within(
        wired.settings.answer_within_seconds, wired.payments.charge_requested(done, began)
    )
    if charged and _is_being_sent(charged):  # by another process, which won the right to
        return Answer(202, PaymentView.of(charged), settled=False)
    payment = charged or await wired.payments.get(done.stream)
    return Answer(202 if payment.status in OPEN else 201, PaymentView.of(payment))


def _is_being_sent(payment: Payment) -> bool:
    return payment.status is Status.DISPATCHED and not payment.review


def _answer(payment: Payment, still: Any) -> Answer:
    return Answer(202 if still(payment) else 200, PaymentView.of(payment))


def _background(request: Request) -> Background:
    background: Background = request.app.state.background
    return background
