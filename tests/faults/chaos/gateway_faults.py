"""What goes wrong at the gateway, drawn by seed: what it does with requests, and what becomes of its notices."""

import random
from collections import Counter
from typing import Final, NamedTuple

from faults.chaos.outside import Outside
from support.customer import Fields

LATE_SECONDS: Final = 3.0  # longer than we wait for an answer, shorter than T_late


class Row(NamedTuple):
    fault: str
    path: str
    share: float  # of requests
    seconds: float = LATE_SECONDS


# Above all: done, and not told.
MENU: Final = (
    Row("do_then_500", "/charge", 0.10),
    Row("do_then_reset", "/charge", 0.06),
    Row("do_then_hang", "/charge", 0.04),
    Row("do_late", "/charge", 0.06),
    Row("drip", "/charge", 0.03, 0.3),
    Row("huge", "/charge", 0.01),
    Row("reset_before", "/charge", 0.05),
    Row("refuse_before", "/charge", 0.05),
    Row("hang", "/charge", 0.04),
    Row("refuse_503", "/charge", 0.05),
    Row("error_500_without_doing", "/charge", 0.05),
    Row("rate_limit_429", "/charge", 0.04),
    Row("html_502", "/charge", 0.03),
    Row("va_505", "/charge", 0.02),
    Row("conflict_406", "/charge", 0.03),
    Row("in_progress_202", "/charge", 0.03),
    Row("deny", "/charge", 0.03),
    Row("wrong_amount", "/charge", 0.004),
    Row("wrong_order_id", "/charge", 0.003),
    Row("reversed_later", "/charge", 0.02, 1.0),
    Row("not_found_then_found", "/status", 0.06),
    Row("refuse_503", "/status", 0.06),
    Row("error_500_without_doing", "/status", 0.05),
    Row("hang", "/status", 0.03),
    Row("drip", "/status", 0.02, 0.3),
    Row("huge", "/status", 0.01),
    Row("do_then_reset", "/status", 0.04),
    Row("do_then_500", "/refund", 0.12),
    Row("do_then_reset", "/refund", 0.08),
    Row("do_late", "/refund", 0.06),
    Row("reset_before", "/refund", 0.06),
    Row("rate_limit_429", "/refund", 0.05),
    Row("in_progress_202", "/refund", 0.03),
    Row("refund_denied", "/refund", 0.04),
    Row("do_then_500", "/capture", 0.15),
    Row("in_progress_202", "/capture", 0.05),
    Row("do_then_reset", "/cancel", 0.12),
    Row("refuse_503", "/cancel", 0.08),
    Row("do_then_500", "/snap", 0.10),
)  # fmt: skip


class GatewayFaults:
    def __init__(self, outside: Outside, chance: random.Random) -> None:
        self._outside, self._chance = outside, chance
        self.drawn: Counter[str] = Counter()

    async def misbehave(self) -> None:
        """Another draw of what is wrong with requests, in place of the one before."""
        rows = self._chance.sample(MENU, self._chance.randint(8, 18))
        rules: list[Fields] = [
            {
                "fault": row.fault,
                "share": row.share,
                "match": {"path_contains": row.path, "order_id_prefix": ""},
                "seconds": row.seconds,
            }
            for row in rows
        ]
        self.drawn["requests"] += 1
        await self._outside.set_rules(self._chance.randrange(2**31), rules)

    async def garble_notices(self) -> None:
        chance = self._chance
        self.drawn["notices"] += 1
        await self._outside.garble_notices(
            seed=chance.randrange(2**31),
            lost=round(chance.uniform(0.1, 0.35), 2),
            repeat=[1, chance.choice((1, 3, 10))],
            delay_seconds=[0, chance.choice((0, 2, 5))],
            forged=0.1,
            wrong_signature=0.05,
            fields_shuffled=True,
        )

    async def jump(self, seconds: float) -> None:
        self.drawn["clock"] += 1
        await self._outside.advance_clock(seconds)

    async def heal(self) -> None:
        await self._outside.heal_requests()
        await self._outside.heal_notices()
