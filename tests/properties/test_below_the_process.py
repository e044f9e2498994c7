"""Every schedule of requests, workers, notices, payers and banks, with everything failing that may:
the real service, worker, store and deciders hold what they promise (reliability.md 5.3).

A failure prints the schedule, and the blob that repeats it.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.identity import payment_of
from ledger.money import Money
from ledger.payments.life import Status
from ledger.providers.port import ChargeStatus as S
from support import bank_moves
from support.below_process import PROCESSES, Variant, World, own_time
from support.gateway_model import FAULTS
from support.memory_store import StoreFault
from support.quiescence import be_paid, disagreements, settle
from support.wrong_variants import CAUGHT_BY

SCHEDULES = int(os.environ.get("SCHEDULES", "2000"))
WRONG_SCHEDULES = 300
ONLY_FIND: dict[str, Any] = {"phases": [Phase.generate], "database": None, "derandomize": True}
ACTORS = 8
PAYMENTS = 2

MISHAPS = (None, None, None, None, *FAULTS, *[("store", fault) for fault in StoreFault])

choice = st.integers(0, 11)
process = st.integers(0, PROCESSES - 1)
mishap = st.sampled_from(MISHAPS)
WISHES: tuple[dict[str, Any], ...] = (
    {"requested_method": "gopay", "expires_after_seconds": 900},
    {"requested_method": "credit_card"},
    {"requested_method": "credit_card", "capture": "later"},
    {"requested_method": "permata_va", "expires_after_seconds": 3600},
    {"requested_method": "gopay", "fallback": ("shopeepay", "permata_va")},
    {"requested_method": "snap", "expires_after_seconds": 1800},
)
AMOUNT = 90_000
STAGES = ("asked", "answered", "paid", "paid")
SENSIBLE = {
    Status.SETTLED: ("refund", "refund", "refund", "cancel"),
    Status.AUTHORISED: ("capture", "capture", "cancel"),
    Status.CAPTURED: ("cancel", "refund"),
}


Mishap = tuple[str, Any] | None


class Schedule(RuleBasedStateMachine):
    variant = Variant()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.variant)
        self._time = own_time(self.world)
        self._time.__enter__()

    @initialize(wish=st.sampled_from(WISHES), at=process, stage=st.sampled_from(STAGES))
    def begins(self, wish: dict[str, Any], at: int, stage: str) -> None:
        """Half of it happens to payments that are settled already, on a calm day."""
        self.requests(wish, at, None)
        if stage == "answered":
            self.world.finish()
        if stage == "paid":
            be_paid(self.world)

    @precondition(lambda self: len(self.world.watch.payments) < PAYMENTS)
    @rule(wish=st.sampled_from(WISHES), at=process, fault=mishap)
    def requests(self, wish: dict[str, Any], at: int, fault: Mishap) -> None:
        self.fails(fault)
        client = self.world.new_client("request", wish={**wish, "amount": Money(AMOUNT)})
        self.world.ask(client, at)

    @precondition(lambda self: self.world.watch.payments and len(self.world.actors) < ACTORS)
    @rule(what=choice, which=choice, part=st.sampled_from([None, 1, 1, 2]), at=process, fault=mishap)
    def asks(self, what: int, which: int, part: int | None, at: int, fault: Mishap) -> None:
        self.fails(fault)
        payment_id, payment = _pick(list(self.world.watch.payments.items()), which)
        kind = _pick(SENSIBLE.get(payment.status, ("cancel",)), what)
        amount = Money(AMOUNT // 3 * part) if part else None
        self.world.ask(self.world.new_client(kind, payment_id=payment_id, amount=amount), at)

    @precondition(lambda self: self.world.actors)
    @rule(steps=st.sampled_from([1, 2, 3, 5, 8, 13, 100]))
    def all_go_on(self, steps: int) -> None:
        for _ in range(steps):
            for number, actor in list(self.world.actors):
                if actor.can_go_on:
                    self.world.go_on(number, actor)

    @precondition(lambda self: len(self.world.actors) < ACTORS)
    @rule(which=choice, at=process)
    def repeats(self, which: int, at: int) -> None:
        self.world.ask(_pick(self.world.clients, which), at)

    @precondition(lambda self: self.world.actors)
    @rule(who=choice, steps=st.integers(1, 12))
    def goes_on(self, who: int, steps: int) -> None:
        number, actor = _pick(self.world.actors, who)
        for _ in range(steps):
            if actor.can_go_on:
                self.world.go_on(number, actor)

    @precondition(lambda self: len(self.world.actors) < ACTORS)
    @rule(at=process, limit=st.integers(1, 3), fault=mishap)
    def works(self, at: int, limit: int, fault: Mishap) -> None:
        self.fails(fault)
        self.world.work(at, limit)

    @rule(seconds=st.sampled_from([1, 3, 6, 16, 31, 61, 121, 1_000, 4_000, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @rule(at=process)
    def dies(self, at: int) -> None:
        self.world.die(at)

    @rule(fault=mishap)
    def fails(self, fault: Mishap) -> None:
        """The next call of that kind, or the next call of the store."""
        match fault:
            case ("store", StoreFault() as kind):
                self.world.store_faults.append(kind)
            case (operation, kind):
                self.world.gateway.faults[operation].append(kind)

    @precondition(lambda self: bank_moves.possible(self.world.gateway))
    @rule(which=choice)
    def bank_moves(self, which: int) -> None:
        move, one = _pick(bank_moves.possible(self.world.gateway), which)
        bank_moves.make(self.world.gateway, move, one)

    @precondition(lambda self: bank_moves.pages(self.world.gateway, self.world.now()))
    @rule(which=choice)
    def payer_picks(self, which: int) -> None:
        shown = bank_moves.pages(self.world.gateway, self.world.now())
        self.world.gateway.begin_on_page(_pick(shown, which))

    @precondition(lambda self: bank_moves.unconfirmed(self.world.gateway))
    @rule(which=choice)
    def bank_confirms(self, which: int) -> None:
        bank_moves.confirm(
            self.world.gateway, *_pick(bank_moves.unconfirmed(self.world.gateway), which)
        )

    @precondition(lambda self: self.world.gateway.notices)
    @rule(which=choice)
    def notice_arrives(self, which: int) -> None:
        self.world.inbox.receive(_pick(self.world.gateway.notices, which))

    @precondition(lambda self: self.world.gateway.sent)
    @rule(which=choice, status=st.sampled_from([S.SETTLED, S.CANCELLED, S.DENIED]))
    def notice_is_forged(self, which: int, status: S) -> None:
        orders = [about for about in self.world.gateway.sent if payment_of(about)]
        if orders:
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


def schedules(examples: int, **more: Any) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **more,
    )


@pytest.mark.parametrize("name", CAUGHT_BY)
def test_a_wrong_variant_is_caught(name: str) -> None:
    variant, words = CAUGHT_BY[name]
    wrong = type("Wrong", (Schedule,), {"variant": variant})

    with pytest.raises(AssertionError, match=words):
        run_state_machine_as_test(wrong, settings=schedules(WRONG_SCHEDULES, **ONLY_FIND))


def test_every_schedule_keeps_the_promises():
    run_state_machine_as_test(Schedule, settings=schedules(SCHEDULES))
