"""Import: payments that another system took, ten thousand at a time, each with its own outcome."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.bodies import BulkBody, ImportBody
from api.problem_json import problem_plain
from api.problems import status_of
from api.request_errors import request_invalid
from api.routes.parts import MayImport, Wired
from api.strict_json import StrictRoute
from api.views import BulkView, ImportView
from ledger.errors import LedgerError
from ledger.eventstore.store import Begun
from ledger.payments.imported_item import ImportedItem

router = APIRouter(prefix="/api/v1/payments", tags=["payments"], route_class=StrictRoute)

PATH: Final = "/api/v1/payments/bulk"
LARGEST_BODY: Final = 8 * 1024 * 1024  # 10,000 items of 800 bytes
SLICE: Final = 500  # items validated or answered before other requests have their turn

Item = TypeVar("Item")
Made = TypeVar("Made")


@router.post("/bulk", response_model=BulkView)
async def import_payments(
    request: Request, body: BulkBody, caller: MayImport, wired: Wired
) -> Response:
    """Post settled payments to the ledger; nothing is sent to the gateway. Each item's `reference` is
    its idempotency key, so the whole request may be repeated.
    """
    read = await _sliced(lambda said: _item(said, request.app), body.items)
    begun = iter(
        await wired.payments.import_settled(
            [one for one in read if isinstance(one, ImportedItem)],
            account=caller.account,
            actor=caller.actor,
            correlation_id=request.state.request_id,
        )
    )
    outcomes = [next(begun) if isinstance(one, ImportedItem) else one for one in read]
    pairs = list(zip(body.items, outcomes, strict=True))
    results = await _sliced(lambda pair: _result(*pair), pairs)
    view = BulkView.of(results)
    return Response(view.model_dump_json(by_alias=True), media_type="application/json")


async def _sliced(make: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
    """One made of each; others have their turn between two slices."""
    made: list[Made] = []
    for first in range(0, len(items), SLICE):
        made += [make(item) for item in items[first : first + SLICE]]
        await asyncio.sleep(0)
    return made


def _item(said: dict[str, Any], app: FastAPI) -> ImportedItem | LedgerError:
    try:
        return ImportBody.model_validate(said).item()
    except ValidationError as error:
        return request_invalid(error, app)
    except LedgerError as refusal:
        return refusal


def _result(said: dict[str, Any], outcome: Begun | LedgerError) -> ImportView:
    reference = said.get("reference")
    known = reference if isinstance(reference, str) else None
    if isinstance(outcome, LedgerError):
        problem = problem_plain(outcome, status_of(outcome))
        return ImportView(reference=known, payment_id=None, outcome="refused", problem=problem)
    word = "repeated" if outcome.replayed else "recorded"
    return ImportView(reference=known, payment_id=outcome.stream, outcome=word, problem=None)
