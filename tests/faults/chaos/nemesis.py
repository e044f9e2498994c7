"""The nemesis: kills, freezes and restarts processes, and spoils the gateway, all drawn from one seed.

What it draws follows from the seed; when exactly each act meets the system does not.
"""

import asyncio
import random
import time
from collections import Counter
from typing import Final

from faults.chaos.gateway_faults import GatewayFaults
from faults.chaos.programs import Database, Program
from faults.chaos.system import System

KILLED: Final = (("api", 36), ("worker", 42), ("postgres", 22))
DISTURBED: Final = (
    ("freeze api", 18),
    ("freeze worker", 18),
    ("freeze postgres", 8),
    ("rolling restart", 4),
    ("restart postgres", 3),
    ("gateway misbehaves", 26),
    ("gateway heals", 8),
    ("notices garbled", 10),
    ("notices heal", 6),
    ("clock jump", 4),
)
DISTURBED_EVERY_SECONDS: Final = (1.0, 4.0)
FROZEN_SECONDS: Final = (0.3, 5.0)
POSTGRES_FROZEN_SECONDS: Final = (0.3, 4.0)
POSTGRES_DOWN_SECONDS: Final = (0.0, 1.5)
LONGER_THAN_A_LEASE_SECONDS: Final = 33.0  # a worker's lease is 30
LONG_FREEZE_EVERY_SECONDS: Final = 75.0
MOST_OF_POSTGRES: Final = 0.3  # of all kills
LET_BREATHE_SHARE: Final = 0.85  # of kills: the rest comes whatever is down already
LONGEST_BREATH_SECONDS: Final = 10.0
JUMPED_SECONDS: Final = (30, 600, 1_200, 4_000)  # of the gateway's clock; wallets expire after 900


class Nemesis:
    """`kills`, `freezes`, `others` count what was really done."""

    def __init__(self, system: System, faults: GatewayFaults, seed: int) -> None:
        self._system, self._faults = system, faults
        self._chance = random.Random(f"nemesis {seed}")
        self._acts: set[asyncio.Task[None]] = set()  # that may be cut short
        self._restarts: set[asyncio.Task[None]] = set()  # of PostgreSQL: nobody else starts it
        self._resting: set[str] = set()  # frozen for longer than a lease: to be left alone
        self.kills: Counter[str] = Counter()
        self.freezes: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self.failures: list[BaseException] = []  # of acts: the harness itself is at fault

    async def run(self, kills: int, seconds: float) -> None:
        """Until so many were killed, which takes about so long."""
        await self._faults.misbehave()
        await self._faults.garble_notices()
        disturbing = asyncio.create_task(self._disturb())
        freezing = asyncio.create_task(self._freeze_long())
        began = time.monotonic()
        try:
            while (done := self.kills.total()) < kills:
                due = began + (done + self._chance.uniform(0.2, 1.8)) * seconds / kills
                await asyncio.sleep(max(0.05, due - time.monotonic()))
                late = time.monotonic() > began + seconds * 1.3
                if not late and self._chance.random() < LET_BREATHE_SHARE:
                    await self._breath()
                await self._kill()
                self._require_success()
        finally:
            disturbing.cancel()
            freezing.cancel()
            await asyncio.gather(disturbing, freezing, return_exceptions=True)

    async def settle(self) -> None:
        """What is frozen thaws, what is down comes up."""
        for act in list(self._acts):
            act.cancel()
        await asyncio.gather(*self._acts, *self._restarts, return_exceptions=True)
        self._require_success()

    async def _breath(self) -> None:
        """Until somebody serves and somebody works: who is killed while starting does no harm."""
        until = time.monotonic() + LONGEST_BREATH_SECONDS
        while time.monotonic() < until:
            serving = any(one.is_serving for one in self._system.apis)
            working = any(one.is_up for one in self._system.workers)
            if serving and working and self._system.postgres.is_running:
                return
            await asyncio.sleep(0.1)

    async def _kill(self) -> None:
        """Whoever is drawn and up; on a slow machine nobody may be, and then it waits."""
        kind = self._drawn(KILLED)
        if kind == "postgres" and self.kills[kind] > 1 + self.kills.total() * MOST_OF_POSTGRES:
            return  # on a slow machine it alone is up in time, and would be killed each time
        if kind == "postgres":
            if self._system.postgres.is_running:
                self.kills[kind] += 1
                self._spawn(self._kill_postgres(), self._restarts)
            return
        victim = self._victim(kind)
        if victim and await victim.kill():
            self.kills[victim.name] += 1

    async def _kill_postgres(self) -> None:
        await self._system.postgres.kill(self._chance.uniform(*POSTGRES_DOWN_SECONDS))

    def _victim(self, kind: str) -> Program | None:
        """Mostly one that has come up, and now and then one that is about to."""
        among = [one for one in self._system.programs if one.kind == kind and one.is_running]
        among = [one for one in among if one.name not in self._resting]
        up = [one for one in among if one.is_up]
        serving = sum(one.is_serving for one in self._system.apis)
        if kind == "api" and serving < len(self._system.apis) and self._chance.random() < 0.9:
            return None  # without any API no command gets further, and chaos meets nothing
        chosen = up if self._chance.random() < 0.95 else among
        return self._chance.choice(chosen) if chosen else None

    async def _disturb(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(*DISTURBED_EVERY_SECONDS))
            act = self._drawn(DISTURBED)
            match act.split():
                case ["freeze", kind]:
                    self._spawn(self._freeze(kind), self._acts)
                case ["rolling", "restart"]:
                    self._spawn(self._roll(), self._acts)
                case ["restart", "postgres"]:
                    self._spawn(self._restart_postgres(), self._restarts)
                case ["gateway", "misbehaves"]:
                    await self._faults.misbehave()
                case ["gateway", "heals"]:
                    await self._system.gateway.heal_requests()
                case ["notices", "garbled"]:
                    await self._faults.garble_notices()
                case ["notices", "heal"]:
                    await self._system.gateway.heal_notices()
                case _:
                    await self._faults.jump(self._chance.choice(JUMPED_SECONDS))
            self.others[act] += 1

    async def _freeze(self, kind: str) -> None:
        victim: Program | Database | None
        if kind == "postgres":
            victim, seconds = self._system.postgres, self._chance.uniform(*POSTGRES_FROZEN_SECONDS)
        else:
            victim, seconds = self._victim(kind), self._chance.uniform(*FROZEN_SECONDS)
        if victim and await victim.freeze(seconds):
            self.freezes[victim.name] += 1

    async def _freeze_long(self) -> None:
        """A worker that comes back when everybody has given it up."""
        while True:
            await asyncio.sleep(self._chance.uniform(3.0, 12.0))
            victim = self._chance.choice(self._system.workers)
            if victim.is_up:
                self._resting.add(victim.name)
                try:
                    if await victim.freeze(LONGER_THAN_A_LEASE_SECONDS):
                        self.freezes[f"{victim.name} past its lease"] += 1
                finally:
                    self._resting.discard(victim.name)
                await asyncio.sleep(LONG_FREEZE_EVERY_SECONDS - LONGER_THAN_A_LEASE_SECONDS)

    async def _roll(self) -> None:
        for one in self._system.programs:
            if one.name not in self._resting and await one.restart():
                await asyncio.sleep(1.0)

    async def _restart_postgres(self) -> None:
        await self._system.postgres.restart()

    def _spawn(
        self,
        act: "asyncio.coroutines.Coroutine[None, None, None]",
        among: set[asyncio.Task[None]],
    ) -> None:
        task = asyncio.create_task(act)
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            self.failures.append(error)

    def _require_success(self) -> None:
        if self.failures:
            raise ExceptionGroup("acts of the nemesis failed", self.failures)  # type: ignore[type-var]

    def _drawn(self, table: tuple[tuple[str, int], ...]) -> str:
        return self._chance.choices([name for name, _ in table], [weight for _, weight in table])[0]
