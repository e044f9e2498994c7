"""What goes wrong at the gateway, drawn by seed: what it does with requests, and what becomes of its notices.

With a simulator that knows no rules, traps for so many requests do the same.
"""

import random
from collections import Counter
from typing import Final

import httpx2

from support.customer import Fields, Gateway

LATE_SECONDS: Final = 3.0  # longer than we wait for an answer, shorter than T_late

# Fault, where, and the share of requests it may hit. Above all: done, and not told.
MENU: Final = (
    ("do_then_500", "/charge", 0.10),
    ("do_then_reset", "/charge", 0.06),
    ("do_then_hang", "/charge", 0.04),
    ("do_late", "/charge", 0.06),
    ("reset_before", "/charge", 0.05),
    ("hang", "/charge", 0.04),
    ("refuse_503", "/charge", 0.05),
    ("error_500_without_doing", "/charge", 0.05),
    ("rate_limit_429", "/charge", 0.04),
    ("html_502", "/charge", 0.03),
    ("deny", "/charge", 0.03),
    ("not_found_then_found", "/status", 0.06),
    ("refuse_503", "/status", 0.06),
    ("error_500_without_doing", "/status", 0.05),
    ("hang", "/status", 0.03),
    ("do_then_reset", "/status", 0.04),
    ("do_then_500", "/refund", 0.12),
    ("do_then_reset", "/refund", 0.08),
    ("do_late", "/refund", 0.06),
    ("reset_before", "/refund", 0.06),
    ("rate_limit_429", "/refund", 0.05),
    ("do_then_500", "/capture", 0.15),
    ("do_then_reset", "/cancel", 0.12),
    ("refuse_503", "/cancel", 0.08),
    ("do_then_500", "/snap", 0.10),
)


class GatewayFaults:
    def __init__(self, gateway: Gateway, chance: random.Random) -> None:
        self._gateway, self._chance = gateway, chance
        self.set: Counter[str] = Counter()  # by kind: how often a rule was set
        self.by_rules = True

    async def misbehave(self) -> str:
        """Another draw of what is wrong with requests."""
        drawn = self._chance.sample(MENU, self._chance.randint(6, 14))
        rules = [
            {
                "fault": fault,
                "share": share,
                "match": {"path_contains": path, "order_id_prefix": ""},
                "seconds": LATE_SECONDS,
            }
            for fault, path, share in drawn
        ]
        for fault, path, _ in drawn:
            self.set[f"{fault} {path}"] += 1
        if self.by_rules:
            asked = {"seed": self._chance.randrange(2**31), "rules": rules}
            self.by_rules = await self._posted("faults", asked)
        if not self.by_rules:
            for fault, path, share in drawn:
                times = 1 + int(share * 20)
                await self._gateway.fault(fault, path=path, times=times, seconds=LATE_SECONDS)
        return f"{len(rules)} rules"

    async def garble_notices(self) -> str:
        chance = self._chance
        asked = {
            "seed": chance.randrange(2**31),
            "lost": round(chance.uniform(0.1, 0.35), 2),
            "repeat": [1, chance.choice((1, 3, 10))],
            "delay_seconds": [0, chance.choice((0, 2, 5))],
            "forged": 0.1,
            "fields_shuffled": True,
        }
        self.set["notices"] += 1
        if await self._posted("notices/faults", asked):
            return f"lost {asked['lost']}"
        await self._gateway.hold_notices()
        return "held"

    async def release_notices(self) -> None:
        if not await self._delete("notices/faults"):
            await self._gateway.release_notices("shuffle")

    async def heal(self) -> None:
        await self._gateway.forget_faults()
        await self._delete("notices/faults")

    async def advance(self, seconds: float) -> None:
        self.set["clock jump"] += 1
        await self._gateway.control("clock", advance_seconds=seconds)

    async def _posted(self, act: str, asked: Fields) -> bool:
        answer = await self._http.post(f"/_control/{act}", json=asked)
        return bool(answer.is_success)

    async def _delete(self, act: str) -> bool:
        answer = await self._http.delete(f"/_control/{act}")
        return bool(answer.is_success)

    @property
    def _http(self) -> httpx2.AsyncClient:
        return self._gateway._http
