"""Processes without a process: the real service, worker and store over a log and a gateway in memory.

One thread, one clock, and whoever drives it decides who goes on at each await, what fails, who
dies, and when time passes. Nothing in it is drawn at random.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

import pytest

from api.worker import Worker
from ledger import clock, identity
from ledger.errors import LedgerError
from ledger.eventstore.group_call import StoreUnavailable
from ledger.eventstore.store import Context, Executed, StreamBusy
from ledger.identity import PAYMENT, REFUND, derived_id, new_id
from ledger.money import Money
from ledger.payments.events import PaymentRequested, Sale
from ledger.payments.payment import Payment
from ledger.payments.service import PaymentService
from ledger.providers.port import Payer
from support.driven import Actor, HandLoop
from support.gateway_model import GatewayModel
from support.log_watch import LogWatch
from support.memory_claims import Claims, DueWork
from support.memory_store import Log, MemoryStore, StoreFault
from support.memory_tables import Look, MemoryInbox, MemoryKeyRing

START: Final = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
LOST_AFTER: Final = timedelta(seconds=120)
LEASE_SECONDS: Final = 30.0
PROCESSES: Final = 2
STEPS_AT_MOST: Final = 1_000  # of one actor to its end; it takes some ten


@dataclass(frozen=True)
class Variant:
    """Which code runs. A test may put a wrong one in its place."""

    service: type[PaymentService] = PaymentService
    store: type[MemoryStore] = MemoryStore
    worker: type[Worker] = Worker


@dataclass(eq=False)
class Client:
    """One request under one Idempotency-Key, asked as often as it takes."""

    key: str
    kind: str
    payment_id: str = ""
    amount: Money | None = None
    wish: Mapping[str, Any] = field(default_factory=dict)
    results: set[str] = field(default_factory=set)  # what it was told was done
    refusals: list[str] = field(default_factory=list)

    @property
    def command_id(self) -> str:
        return derived_id("http", "acc_1", self.key)

    def context(self) -> Context:
        return Context(command_id=self.command_id, actor="acc_1", fingerprint=self.kind.encode())


class World:
    def __init__(self, variant: Variant = Variant()) -> None:
        self.variant = variant
        self.elapsed = 0.0
        self.loop = HandLoop(self.monotonic)
        self.log = Log()
        self.gateway = GatewayModel(self.now, self.monotonic)
        self.watch = LogWatch(self.gateway, LOST_AFTER)
        self.due = DueWork(self.log)
        self.claims = Claims(self.due, self.now)
        self.inbox = MemoryInbox(self.now)
        self.log.readers.append(self.watch.read)
        self.store_faults: deque[StoreFault] = deque()
        self.clients: list[Client] = []
        self.actors: list[tuple[int, Actor]] = []
        self.processes = [self._process(number) for number in range(PROCESSES)]
        self.faults = self.watch.faults

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    # ── who acts ────────────────────────────────────────────────────────────────────────────────

    def _process(self, number: int) -> "Process":
        payments = self.variant.service(
            store=self.variant.store(self.log, self.store_faults),
            provider=self.gateway,
            key_ring=MemoryKeyRing(),  # type: ignore[arg-type]
            method_health=Look({}),
            balance=Look(Money(10**9)),
            sent_by=f"process:{number}",
            lost_after_seconds=LOST_AFTER.total_seconds(),
            lease_seconds=LEASE_SECONDS,
            now=self.now,
            draw=lambda low, high: high,
        )
        settings = SimpleNamespace(
            lost_after_seconds=LOST_AFTER.total_seconds(), asked_every_seconds=21_600.0
        )
        wired: Any = SimpleNamespace(
            payments=payments, inbox=self.inbox, settings=settings, readers=None, scheduler=None
        )
        worker = self.variant.worker(wired, self.now)
        worker._claims = self.claims  # type: ignore[assignment]
        return Process(payments, worker)

    def start(self, number: int, name: str, work: Any) -> Actor:
        actor = Actor(name, work, self.loop)
        self.actors.append((number, actor))
        return actor

    def ask(self, client: Client, number: int) -> Actor:
        payments = self.processes[number].payments
        return self.start(number, f"{client.kind} {client.key}", self._ask(client, payments))

    def new_client(self, kind: str, **more: Any) -> Client:
        client = Client(f"key-{len(self.clients) + 1}", kind, **more)
        self.clients.append(client)
        return client

    def work(self, number: int, limit: int) -> list[Actor]:
        """A look of a worker: what is due is taken up, piece by piece."""
        self.due.follow()
        worker = self.processes[number].worker
        begun = [
            self.start(number, f"notice {stored.order_id}", worker.attend(stored))
            for stored in self.inbox.claim(limit)
        ]
        begun += [
            self.start(number, f"{work.kind} {work.subject}", worker.do(work))
            for work in self.claims.claim(limit)
        ]
        return begun

    def go_on(self, actor: Actor) -> None:
        actor.go_on()
        self._part()

    def _part(self) -> None:
        """With those who have come to their end."""
        for number, actor in [one for one in self.actors if one[1].over]:
            self.actors.remove((number, actor))
            if actor.failure and not isinstance(actor.failure, LedgerError):
                self.faults.append(f"{actor.name} failed: {actor.failure!r}")

    def finish(self) -> None:
        """All that is under way, to its end."""
        while self.actors:
            able = [one for one in self.actors if one[1].can_go_on]
            if not able:
                self.faults.append(f"nobody can go on: {[one.name for _, one in self.actors]}")
                return
            for _, actor in able:
                steps = 0
                while actor.can_go_on and steps < STEPS_AT_MOST:
                    self.go_on(actor)
                    steps += 1
                if steps == STEPS_AT_MOST:
                    self.faults.append(f"{actor.name} goes round in circles")
                    return

    def close(self) -> None:
        for _, actor in self.actors:
            actor.die()
        self.actors.clear()

    def die(self, number: int) -> None:
        """SIGKILL, and a new process in its place."""
        dead = [one for one in self.actors if one[0] == number]
        self.actors = [one for one in self.actors if one[0] != number]
        for _, actor in dead:
            actor.die()
        self.processes[number] = self._process(number)

    def pass_time(self, seconds: float) -> None:
        """Whatever the gateway does by itself meanwhile happens at its own moment."""
        self.log.land()
        until = self.elapsed + seconds
        while True:
            moment = self.gateway.next_moment()
            at = until if moment is None else (moment - START).total_seconds()
            self.elapsed = max(self.elapsed, min(at, until))
            self.gateway.pass_time()
            self.loop.run_ready()
            if at >= until:
                break
        self._part()

    # ── what clients do, as the routes do it ────────────────────────────────────────────────────

    async def _ask(self, client: Client, payments: PaymentService) -> None:
        was_done = client.command_id in self.log.commands
        try:
            await getattr(self, f"_{client.kind}")(client, payments)
        except (StoreUnavailable, StreamBusy):
            return
        except LedgerError as refusal:
            client.refusals.append(refusal.code)
            if was_done:
                self.faults.append(f"{client.key} was done, and then refused: {refusal.code}")

    async def _request(self, client: Client, payments: PaymentService) -> None:
        began = clock.monotonic_seconds()
        request = PaymentRequested(
            occurred_at=self.now(), payment_id=new_id(PAYMENT), sale=Sale(), **client.wish
        )
        token = "token" if request.requested_method == "credit_card" else ""
        done = await payments.request(
            request, client.context(), country="ID", payer=Payer(), card_token=token
        )
        self._acknowledge(client, done)
        await payments.charge_requested(done, began)

    async def _refund(self, client: Client, payments: PaymentService) -> None:
        refund_id = f"{REFUND}_{derived_id(client.command_id)[:26]}"
        done = await payments.request_refund(
            client.payment_id, refund_id, client.amount, "asked", client.context()
        )
        self._acknowledge(client, done)
        await payments.refund(client.payment_id, refund_id)

    async def _capture(self, client: Client, payments: PaymentService) -> None:
        done = await payments.request_capture(client.payment_id, client.amount, client.context())
        self._acknowledge(client, done)
        await payments.capture(client.payment_id)

    async def _cancel(self, client: Client, payments: PaymentService) -> None:
        done = await payments.request_cancel(client.payment_id, "asked", client.context())
        self._acknowledge(client, done)
        await payments.cancel(client.payment_id)

    def _acknowledge(self, client: Client, done: Executed[Payment]) -> None:
        """Without events and not replayed, all that was asked for had been asked for before."""
        client.results.add(done.stream)
        known = self.log.commands.get(client.command_id)
        claims = done.events or done.replayed
        if claims and (known is None or known.stream != done.stream):
            self.faults.append(f"{client.key} was acknowledged and is not in the log")
        if len(client.results) > 1:
            self.faults.append(f"{client.key} did more than one thing: {client.results}")


@dataclass
class Process:
    payments: PaymentService
    worker: Worker


@contextmanager
def own_time(world: World) -> Iterator[None]:
    """All code of ours reads this world's clock, and its ids follow one another."""
    numbers = iter(range(1, 2**62))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", world.now)
        patch.setattr(clock, "monotonic_seconds", world.monotonic)
        patch.setattr(clock, "epoch_milliseconds", lambda: int(world.now().timestamp() * 1_000))
        patch.setattr(identity, "_random_piece", lambda: f"{next(numbers):016d}")
        yield
