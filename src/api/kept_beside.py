"""What explanations need beside the log: the gateway's notices and answers as they came in, opened, and whose
sealed words cannot be opened any more.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from api.wiring import Wiring
from ledger.identity import payment_of
from ledger.privacy.sealed import Sealed
from projections.explaining.story import Kept, Story
from projections.explaining.tree import Notice

NEWEST: Final = 100  # notices of a payment that are shown

# An order id is the payment's id, a hyphen and a number; the full stop is the next character.
ABOUT: Final = """
select found.*
from unnest(%s::text[]) as payment (id)
    cross join lateral (
        select digest, order_id, said, sealed_body, received_at, done_at, outcome from inbox
        where order_id collate "C" >= payment.id || '-' and order_id collate "C" < payment.id || '.'
        order by received_at desc limit %s
    ) as found
order by found.received_at
"""


async def kept_beside(wired: Wiring, story: Story, payments: Sequence[str] = ()) -> Kept:
    """Of the payments and persons in a story, and of further payments."""
    about = sorted({*story.payments, *payments})
    notices: defaultdict[str, list[Notice]] = defaultdict(list)
    for row in await _rows(wired, about):
        place = payment_of(row["order_id"])
        if place:
            notices[place[0]].append(await _opened(wired, row))
    erased = await wired.key_ring.erased(story.subjects) if story.subjects else frozenset()
    answers = await wired.gateway_answers.bodies(story.digests) if story.digests else {}
    return Kept(notices, erased, answers)


async def _rows(wired: Wiring, payments: Sequence[str]) -> list[dict[str, Any]]:
    if not payments:
        return []
    async with wired.readers.connection() as conn:
        return await (await conn.execute(ABOUT, [payments, NEWEST])).fetchall()


async def _opened(wired: Wiring, row: dict[str, Any]) -> Notice:
    sealed = msgspec.json.decode(row.pop("sealed_body"), type=Sealed)
    return Notice(**row, body=await wired.key_ring.open(sealed, "notice"))
