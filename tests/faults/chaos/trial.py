"""The system under trial: chaos until so many kills and commands are done, then healing and settling."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from faults.chaos import sampling, subscribers
from faults.chaos import seen as looking
from faults.chaos.clients import Merchant
from faults.chaos.gateway_faults import GatewayFaults
from faults.chaos.history import History
from faults.chaos.nemesis import Nemesis
from faults.chaos.stories import (
    CANARY_CARD,
    CANARY_MAIL,
    CANARY_NAME,
    CANARY_PHONE,
    WAYS,
    Stories,
    Way,
)
from faults.chaos.subscribers import Subscribers
from faults.chaos.system import System
from support.customer import CLIENT_KEY, SERVER_KEY

SETTLES_WITHIN_SECONDS: Final = 60.0
GIVEN_UP_AFTER_SECONDS: Final = 150.0  # to tell what is late from what never comes
MOST_STORIES: Final = 250
COMMANDS_A_STORY: Final = 1.5
LOOK_SECONDS: Final = 1.0
PENDING_IS_LOOKED_AT_SECONDS: Final = 40.0
QUIET_WITHIN_SECONDS: Final = 10.0
DAY: Final = timedelta(days=1)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    kills: int = 200
    commands: int = 2_000
    seconds: float = 270.0  # of chaos
    calm_payments: int = 220
    dense_kills: int = 8
    subscriptions: int = 50
    periods: int = 20  # of each; 0: none are renewed
    subscribers: int = 30  # of the merchant itself
    days: int = 12  # that pass meanwhile
    seed: int = 1
    given_up_after_seconds: float = GIVEN_UP_AFTER_SECONDS


@dataclass
class Trial:
    """One system under trial: who asks, who spoils, and what was seen."""

    system: System
    size: Size
    say: Say
    history: History
    samples: sampling.BalanceSamples = field(default_factory=sampling.BalanceSamples)
    nudged: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        seed = self.size.seed
        self.before = sampling.held(self.system)
        self.struck: dict[str, int] = {}
        self.merchant = Merchant(self.system, self.history, random.Random(f"merchant {seed}"))
        self.tell(WAYS)
        chance = random.Random(f"subscribers {seed}")
        self.subscribers = Subscribers(self.merchant, self.system.gateway, chance)
        self.faults = GatewayFaults(self.system.gateway, random.Random(f"gateway {seed}"))
        self.nemesis = Nemesis(self.system, self.faults, seed)

    def tell(self, ways: Sequence[Way], cancelled: float = 0.08) -> None:
        """Which payments are asked for from now on."""
        chance = random.Random(f"stories {self.size.seed}")
        self.stories = Stories(self.merchant, self.system.gateway, chance, ways, cancelled)

    async def chaos(self) -> float:
        """How long it took."""
        await self.subscribers.set_up(self.system.shop(), self.size.subscribers)
        await self.subscribers.sell(self.size.subscribers // 2)  # who renews from the first day on
        began = time.monotonic()
        sampling_on = asyncio.create_task(sampling.sample_balance(self.system, self.samples))
        telling = asyncio.create_task(self._tell_stories(began))
        passing = asyncio.create_task(self._pass_days())
        showing = asyncio.create_task(self._show(began))
        try:
            await self.nemesis.run(self.size.kills, self.size.seconds)
            await asyncio.gather(telling, passing)
        finally:
            tasks = (sampling_on, telling, passing, showing)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return time.monotonic() - began

    async def _tell_stories(self, began: float) -> None:
        """At an even pace, so that kills meet commands at every stage."""
        while self.merchant.counts["commands"] < self.size.commands:
            passed = (time.monotonic() - began) / self.size.seconds
            wanted = 8 + passed * self.size.commands * 1.05
            going = len(self.stories.going)
            begun = self.merchant.counts["commands"]
            if begun < wanted and going < MOST_STORIES:
                self.stories.begin()
            await asyncio.sleep(0.02)

    async def _pass_days(self) -> None:
        """As kills are done, so that each day has its share of them and of those who subscribe."""
        new = -(-self.size.subscribers // (2 * self.size.days))
        for day in range(1, self.size.days + 1):
            for _ in range(new):
                self.subscribers.begin()
            while self.nemesis.kills.total() < self.size.kills * day / (self.size.days + 1):
                await asyncio.sleep(0.05)
            await self.pass_day()

    async def pass_day(self) -> None:
        await self.system.leap(DAY)
        self.subscribers.dawn()

    async def _show(self, began: float) -> None:
        while True:
            await asyncio.sleep(5.0)
            self.say(
                f"{time.monotonic() - began:4.0f} s  {self.nemesis.kills.total()} of {self.size.kills} kills,"
                f" {self.merchant.counts['commands']} commands, {len(self.merchant.open)} unanswered,"
                f" {len(self.stories.going)} payments under way, {self.nemesis.freezes.total()} freezes,"
                f" {len(self.subscribers.going)} subscribers on day {self.system.ahead.days},"
                f" {self.samples.by_database} trial balances"
            )

    async def heal(self) -> None:
        await self.nemesis.settle()
        self.struck = await self.system.gateway.struck()
        await self.faults.heal()
        await self.system.answering()
        # A last day, in calm: what was given up while the clock leapt is looked at a last time.
        await self.pass_day()

    async def settle(self, given_up_after: float = GIVEN_UP_AFTER_SECONDS) -> float | None:
        """Seconds until nothing waits for nobody but us; None when that did not come."""
        began = time.monotonic()
        self.stories.hurried.set()
        self.subscribers.hurry()
        if self.subscribers.failures:
            raise ExceptionGroup("stories of subscribers failed", self.subscribers.failures)  # type: ignore[type-var]
        batch_done, told_before = False, ""
        while (passed := time.monotonic() - began) < given_up_after:
            seen = await looking.look(self.system)
            left = looking.unsettled(seen)
            going = len(self.stories.going) + len(self.subscribers.going)
            told = f"{len(left)} wait for us, {len(self.merchant.open)} commands unanswered, {going} stories under way"
            if told != told_before:
                self.say(f"settling {passed:4.0f} s  {told}")
                for words in left[:3] if len(left) <= 3 else ():
                    self.say(f"           {words}")
            told_before = told
            await self._nudge(seen, passed)
            if not left and not going and not self.merchant.open:
                if batch_done:
                    return passed
                await self.system.gateway.settle_cards()
                batch_done = True
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def _nudge(self, seen: looking.Seen, passed: float) -> None:
        """What is held or taken we look at every ten minutes or six hours, and what waits to be paid after one minute
        and then after five. When the only notice of a change was lost, nobody can wait for that here, so the gateway
        tells it once more; of what waits to be paid only where the look after one minute has passed. What was paid on
        the hosted page by DANA only a notice can tell of, also after the page is over (midtrans.md 4.1).
        """
        slow = ["captured", "authorised", "settled", "partially_refunded", "expired"]
        slow += ["pending"] if passed > PENDING_IS_LOOKED_AT_SECONDS else []
        lost = seen.lost_orders
        by_order = seen.by_order
        for payment_id, payment in seen.log.payments.items():
            if payment_id in self.nudged or payment.public_status not in slow:
                continue
            untold = payment.public_status != "pending" or payment.attempt.order_id in lost
            if untold and looking.differences(payment, by_order):
                self.nudged.add(payment_id)
                order = payment.attempt.order_id
                await self.system.gateway.tell_again(order)

    async def seen(self) -> looking.Seen:
        """All there is to judge, at a moment when no notice has just come in: the gateway repeats them for minutes."""
        until = time.monotonic() + QUIET_WITHIN_SECONDS
        seen = await self._look()
        while looking.unsettled(seen) and time.monotonic() < until:
            await asyncio.sleep(0.5)
            seen = await self._look()
        return seen

    async def _look(self) -> looking.Seen:
        for story in [*self.stories.going, *self.subscribers.going]:
            story.cancel()
        await asyncio.sleep(0)
        return await looking.look(
            self.system,
            history=looking.told(self.system),
            samples=self.samples,
            canaries=self._canaries(),
            before=self.before,
            after=sampling.held(self.system),
            connections=sampling.connections(self.system.conninfo),
        )

    def _canaries(self) -> dict[str, str]:
        texts = {
            CANARY_NAME: "a payer's name",
            CANARY_MAIL: "a payer's e-mail",
            subscribers.CANARY_NAME: "a subscriber's name",
            subscribers.CANARY_MAIL: "a subscriber's e-mail",
            CANARY_PHONE: "a payer's phone",
            CANARY_CARD: "a card number",
            CANARY_CARD.replace(" ", ""): "a card number",
            self.system.key: "an API key",
            SERVER_KEY: "the gateway's server key",
            CLIENT_KEY: "the gateway's client key",
            self.system.settings.master_key.get_secret_value(): "the master key",
        }
        tokens = [*self.stories.tokens, *self.subscribers.tokens]
        return texts | dict.fromkeys(tokens, "the token of a card or a wallet")
