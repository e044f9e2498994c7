"""Reading the whole log again, by the functions behind scripts/replay.py: every read model anew, the
balances alone, the chain alone, the log against its seals; beside COPY of the same log.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import psycopg

from benchmarks import selling
from benchmarks.floors import copy_out
from benchmarks.measuring import Figure, Sample, interleaved
from benchmarks.stage import SCHEMA, Stage, assert_safe
from ledger.audit.proving import stored
from ledger.audit.seal import Seal, public_key, signing_key
from ledger.audit.service import Sealer
from ledger.events import DomainEvent
from ledger.eventstore.connections import connect
from ledger.identity import PAYMENT, new_id, order_id
from ledger.journal.posting_rules import consequence
from ledger.payments import events as e
from projections import GROUPS, READ_MODELS
from projections.engine import connections
from projections.engine.follower import Follower
from projections.engine.replay import Stop, replay
from projections.replaying import Report, verify, verify_balances, verify_chain
from projections.sides import into, scratch
from projections.verifying import verify_log
from support import facts
from support.log_rows import LogRows

Look = Callable[[str, str], Report]

KEY: Final = signing_key(bytes(range(32)))
EVENTS: Final = 100_000
EVENTS_A_PAYMENT: Final = 8
EVENTS_A_SUBSCRIPTION: Final = 140
UNDER_WAY: Final = 1_000  # payments at a time, so that most span two pages of the log
MILLION: Final = 1_000_000
REBUILD_BAR: Final = MILLION / 60  # events a second: a million in a minute
BALANCES_BAR: Final = MILLION / 5
CHAIN_BAR: Final = 90_000.0


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    """`seconds` does not matter here: a replay takes as long as it takes."""
    events = LogRows(stage.conninfo, SCHEMA).copy_all(lives(EVENTS // EVENTS_A_PAYMENT))
    _follow(stage)
    seals = _sealed(stage)
    with psycopg.connect(stage.conninfo, autocommit=True) as conn:
        conn.execute(f'set search_path = "{SCHEMA}"'.encode())
        slots: dict[str, Callable[[], Sample]] = {
            "copy": lambda: copy_out(conn, events),
            "rebuild": lambda: _rebuilt(stage.conninfo, events),
            "verify": lambda: _looked(stage, events, verify),
            "balances": lambda: _looked(stage, events, verify_balances),
            "chain": lambda: _looked(stage, events, verify_chain),
            "seals": lambda: _verified(stage, events, seals),
        }
        found = interleaved(slots, rounds)
    assert_safe(stage.conninfo)
    bars = {
        "rebuild": ("rebuild of all read models, events", REBUILD_BAR),
        "verify": ("rebuild, audit and comparison (make replay), events", REBUILD_BAR),
        "balances": ("balances alone (balances), events", BALANCES_BAR),
        "chain": ("chain, order and versions (chain), events", CHAIN_BAR),
        "seals": ("chain, entries and seals (verify), events", CHAIN_BAR),
    }
    figures = [
        _figure(words, found[name], found, bar, events) for name, (words, bar) in bars.items()
    ]
    return [*figures, _measured_selling(stage, rounds)]


def _measured_selling(stage: Stage, rounds: int) -> Figure:
    """Of subscriptions, their bills and payments: most of it is a day's revenue, every day."""
    conninfo = stage.fresh_database("selling")
    events = LogRows(conninfo, SCHEMA).copy_all(selling.lives(EVENTS // EVENTS_A_SUBSCRIPTION))
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(f'set search_path = "{SCHEMA}"'.encode())
        slots: dict[str, Callable[[], Sample]] = {
            "copy": lambda: copy_out(conn, events),
            "rebuild": lambda: _rebuilt(conninfo, events),
        }
        found = interleaved(slots, rounds)
    words = "rebuild, of subscriptions and their bills, events"
    return _figure(words, found["rebuild"], found, REBUILD_BAR, events)


def _figure(
    words: str,
    ours: Sequence[Sample],
    found: Mapping[str, Sequence[Sample]],
    bar: float,
    events: int,
) -> Figure:
    return Figure(
        name=words,
        clients=1,
        kind="rate",
        ours=ours,
        floor=found["copy"],
        floor_name="COPY of the log",
        bar=bar,
        notes={"events": events},
    )


def lives(payments: int) -> Iterator[tuple[str, Sequence[DomainEvent]]]:
    """Payments from request to settlement, each with its two entries and ids of its own, many at a
    time: what follows on a command waits for that of the others.
    """
    paid = facts.paid()
    commands = (paid[:3], *((fact,) for fact in paid[3:]))
    for first in range(0, payments, UNDER_WAY):
        ids = [new_id(PAYMENT) for _ in range(first, min(first + UNDER_WAY, payments))]
        for command in commands:
            for payment_id in ids:
                yield payment_id, [booked for fact in command for booked in _own(payment_id, fact)]


def _own(payment_id: str, fact: DomainEvent) -> Sequence[DomainEvent]:
    match fact:
        case e.PaymentRequested():
            fact = msgspec.structs.replace(fact, payment_id=payment_id)
        case e.AttemptStarted():
            fact = msgspec.structs.replace(fact, order_id=order_id(payment_id, fact.attempt))
    return fact, *consequence(fact)


def _follow(stage: Stage) -> None:
    """The live read models, as the worker keeps them."""
    for group, models in GROUPS.items():
        follower = Follower(stage.conninfo, SCHEMA, group, models)
        with follower.connect() as connection:
            while follower.step(connection):
                pass


def _rebuilt(conninfo: str, events: int) -> Sample:
    """All of them, from the log alone."""
    with (
        connections.connect(conninfo, SCHEMA) as source,
        scratch(conninfo, SCHEMA, READ_MODELS) as target,
    ):
        began = time.perf_counter()
        replay(source, into(target), [Stop(READ_MODELS, events)])
        return Sample(events / (time.perf_counter() - began))


def _sealed(stage: Stage) -> Sequence[Seal]:
    """As the worker does, a thousand events a seal."""
    sealer = Sealer(stage.conninfo, SCHEMA, KEY)
    with connect(stage.conninfo, SCHEMA, "app") as connection:
        while sealer.step(connection, at_once=True):
            pass
        return stored(connection)


def _verified(stage: Stage, events: int, seals: Sequence[Seal]) -> Sample:
    began = time.perf_counter()
    report = verify_log(stage.conninfo, SCHEMA, seals=seals, keys=[public_key(KEY)])
    took = time.perf_counter() - began
    if not report.ok or report.events != events or report.sealed != events:
        raise RuntimeError(f"{report.events} events of {events} were verified: {report.finding}")
    return Sample(events / took)


def _looked(stage: Stage, events: int, look: Look) -> Sample:
    """As its caller waits for it, from connecting to dropping what it made."""
    began = time.perf_counter()
    report = look(stage.conninfo, SCHEMA)
    took = time.perf_counter() - began
    if not report.ok or report.events != events or not all(report.equal.values()):
        raise RuntimeError(f"{report.events} events of {events} were checked: {report.finding}")
    return Sample(events / took)
