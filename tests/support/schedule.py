"""A schedule: who asks for what, who goes on, what fails, who dies and how time passes, one move after another.

Its moves can be called by hand as well; so a schedule that was found can be written down.
"""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from ledger.identity import payment_of
from ledger.money import Money
from ledger.providers.port import ChargeStatus as S
from support import bank_moves
from support import schedule_moves as draw
from support.below_process import Variant, World, own_time
from support.memory_store import StoreFault
from support.quiescence import be_paid, disagreements, settle

ACTORS: Final = 8  # at once
PAYMENTS: Final = 2
AMOUNT: Final = 90_000


class Schedule(RuleBasedStateMachine):
    variant = Variant()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.variant)
        self._time = own_time(self.world)
        self._time.__enter__()

    @initialize(begin=draw.begins)
    def begins(self, begin: draw.Begin) -> None:
        """Half of it happens to payments that are settled already, on a calm day."""
        self.requests(draw.Request(begin.wish, 0, None))
        if begin.stage == "answered":
            self.world.finish()
        if begin.stage == "paid":
            be_paid(self.world)

    @precondition(lambda self: len(self.world.watch.payments) < PAYMENTS)
    @rule(request=draw.requests)
    def requests(self, request: draw.Request) -> None:
        self.fails(request.fault)
        wish = {**request.wish._asdict(), "amount": Money(AMOUNT)}
        self.world.ask(self.world.new_client("request", wish=wish), request.at)

    @precondition(lambda self: self.world.watch.payments and len(self.world.actors) < ACTORS)
    @rule(ask=draw.asks)
    def asks(self, ask: draw.Ask) -> None:
        self.fails(ask.fault)
        payment_id, payment = _pick(list(self.world.watch.payments.items()), ask.which)
        kind = _pick(draw.SENSIBLE.get(payment.status, ("cancel",)), ask.what)
        amount = Money(AMOUNT // 3 * ask.part) if ask.part else None
        client = self.world.new_client(kind, payment_id=payment_id, amount=amount)
        self.world.ask(client, ask.at)

    @precondition(lambda self: len(self.world.actors) < ACTORS)
    @rule(which=draw.choice, at=draw.process)
    def repeats(self, which: int, at: int) -> None:
        self.world.ask(_pick(self.world.clients, which), at)

    @precondition(lambda self: self.world.actors)
    @rule(turn=draw.turns)
    def goes_on(self, turn: draw.Turn) -> None:
        _, actor = _pick(self.world.actors, turn.who)
        for _ in range(turn.steps):
            if actor.can_go_on:
                self.world.go_on(actor)
        self.time_passes(turn.pause)

    @precondition(lambda self: self.world.actors)
    @rule(turn=draw.all_turns)
    def all_go_on(self, turn: draw.AllTurn) -> None:
        for _ in range(turn.steps):
            for _, actor in list(self.world.actors):
                if actor.can_go_on:
                    self.world.go_on(actor)
        self.time_passes(turn.pause)

    @precondition(lambda self: len(self.world.actors) < ACTORS)
    @rule(look=draw.looks)
    def works(self, look: draw.Look) -> None:
        self.fails(look.fault)
        self.world.work(look.at, look.limit)

    @rule(seconds=draw.seconds)
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @rule(at=draw.process)
    def dies(self, at: int) -> None:
        self.world.die(at)

    @rule(fault=draw.mishaps)
    def fails(self, fault: draw.Mishap) -> None:
        """The next call of that kind, or the next call of the store."""
        match fault:
            case ("store", StoreFault() as kind):
                self.world.store_faults.append(kind)
            case (operation, kind):
                self.world.gateway.faults[operation].append(kind)

    @precondition(lambda self: self.world.gateway.transactions or self.world.gateway.pages)
    @rule(which=draw.choice)
    def others_move(self, which: int) -> None:
        """A payer or a bank."""
        if moves := bank_moves.all_moves(self.world.gateway):
            _pick(moves, which)()

    @precondition(lambda self: self.world.gateway.notices)
    @rule(which=draw.choice)
    def notice_arrives(self, which: int) -> None:
        self.world.inbox.receive(_pick(self.world.gateway.notices, which))

    @precondition(lambda self: self.world.gateway.sent)
    @rule(which=draw.choice, status=st.sampled_from([S.SETTLED, S.CANCELLED, S.DENIED]))
    def notice_is_forged(self, which: int, status: S) -> None:
        orders = [about for about in self.world.gateway.sent if payment_of(about)]
        self.world.gateway.forge(_pick(orders, which), status)

    @invariant()
    def holds(self) -> None:
        self.world.watch.check()
        assert not self.world.faults, self.world.faults

    def teardown(self) -> None:
        try:
            if not self.world.faults:
                settle(self.world)
                self.holds()
                found = list(disagreements(self.world))
                assert not found, found
        finally:
            self.world.close()
            self._time.__exit__(None, None, None)


def _pick(among: list[Any], which: int) -> Any:
    return among[which % len(among)]
