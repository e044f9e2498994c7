"""What Midtrans sends us. A notice is checked, stored, and answered; what it says is asked for,
never believed.

One that cannot be stored is not answered 503 as everything else: of all answers Midtrans repeats a 500
the least, once, a 503 four times, and 502 and whatever else it has no rule for five times, over some
six hours (midtrans.md 10.2; reliability.md 4.3 item 5). It does not read Retry-After.
"""

from typing import Final

from fastapi import APIRouter, Request, Response

from api import strict_json
from api.direct import direct
from api.routes.parts import Wired
from api.strict_json import StrictRoute
from ledger.errors import ProviderFailed, Unavailable
from ledger.telemetry import NOTICES

NEW: Final = NOTICES.labels("new")
REPEATED: Final = NOTICES.labels("repeated")

router = APIRouter(prefix="/api/v1/webhooks", tags=["notices"], route_class=StrictRoute)


class NoticeNotStored(ProviderFailed):
    code = "notice_not_stored"
    title = "The notice could not be stored; please send it again."


@router.post("/midtrans", status_code=200)
@direct
async def receive_notice(request: Request, wired: Wired) -> Response:
    """502 when it cannot be stored: Midtrans retries a 500 only once, and a 502 five times
    (midtrans.md 10.2).
    """
    body = await request.body()
    strict_json.read(body)
    notice = wired.provider.read_notice(body)
    try:
        new = await wired.inbox.receive(notice, body)
    except Unavailable as error:
        raise NoticeNotStored() from error
    (NEW if new else REPEATED).inc()
    return Response(status_code=200)
