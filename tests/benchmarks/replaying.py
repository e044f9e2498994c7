"""Reading the whole log again: every read model anew, the balances alone, the chain checked; against
COPY of the same log.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
import psycopg

from benchmarks.floors import copy_out
from benchmarks.measuring import Figure, Sample, interleaved
from benchmarks.stage import SCHEMA, Stage, assert_safe
from ledger.events import DomainEvent
from ledger.identity import PAYMENT, new_id, order_id
from ledger.journal.posting_rules import consequence
from ledger.payments import events as e
from projections import READ_MODELS, balances
from projections.auditing import Auditor
from projections.engine import connections, rebuild
from projections.engine.read_model import ReadModel
from projections.replaying import verify_chain
from support import facts
from support.log_rows import LogRows

EVENTS: Final = 100_000
EVENTS_A_PAYMENT: Final = 8
MILLION: Final = 1_000_000
REBUILD_BAR: Final = MILLION / 60  # events a second: a million in a minute
BALANCES_BAR: Final = MILLION / 5
CHAIN_BAR: Final = 90_000.0


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    """`seconds` does not matter here: a replay takes as long as it takes."""
    events = LogRows(stage.conninfo, SCHEMA).copy_all(lives(EVENTS // EVENTS_A_PAYMENT))
    with psycopg.connect(stage.conninfo, autocommit=True) as conn:
        conn.execute(f'set search_path = "{SCHEMA}"'.encode())
        slots: dict[str, Callable[[], Sample]] = {
            "copy": lambda: copy_out(conn, events),
            "rebuild": lambda: _replayed(stage, events, READ_MODELS),
            "balances": lambda: _replayed(stage, events, (balances,)),
            "audited": lambda: _replayed(stage, events, READ_MODELS, Auditor()),
            "chain": lambda: _verified(stage, events),
        }
        found = interleaved(slots, rounds)
    assert_safe(stage.conninfo)
    bars = {
        "rebuild": ("rebuild of all read models, events", REBUILD_BAR),
        "audited": ("rebuild and audit together (make replay), events", None),
        "balances": ("balances alone, events", BALANCES_BAR),
        "chain": ("chain, order and versions checked, events", CHAIN_BAR),
    }
    return [
        Figure(
            name=words,
            clients=1,
            kind="rate",
            ours=found[name],
            floor=found["copy"],
            floor_name="COPY of the log",
            bar=bar,
            notes={"events": events},
        )
        for name, (words, bar) in bars.items()
    ]


def lives(payments: int) -> Iterator[tuple[str, Sequence[DomainEvent]]]:
    """Payments from request to settlement, each with its two entries and ids of its own."""
    for _ in range(payments):
        payment_id = new_id(PAYMENT)
        yield payment_id, [booked for fact in facts.paid() for booked in _own(payment_id, fact)]


def _own(payment_id: str, fact: DomainEvent) -> Sequence[DomainEvent]:
    match fact:
        case e.PaymentRequested():
            fact = msgspec.structs.replace(fact, payment_id=payment_id)
        case e.AttemptStarted():
            fact = msgspec.structs.replace(fact, order_id=order_id(payment_id, fact.attempt))
    return fact, *consequence(fact)


def _replayed(
    stage: Stage,
    events: int,
    models: Sequence[ReadModel],
    decode: rebuild.Decode | None = None,
) -> Sample:
    """Into a schema of its own, as `make replay` does it."""
    scratch = f"{SCHEMA}_replay_bench"
    with (
        connections.connect(stage.conninfo, SCHEMA) as source,
        connections.connect(stage.conninfo, SCHEMA) as target,
    ):
        rebuild.drop(target, scratch)
        rebuild.create_scratch(target, SCHEMA, scratch, models)
        began = time.perf_counter()
        rebuild.replay(source, target, [(models, events)], decode=decode)
        took = time.perf_counter() - began
        _check_complete(target, models)
        rebuild.drop(target, scratch)
    return Sample(events / took)


def _check_complete(target: psycopg.Connection[Any], models: Sequence[ReadModel]) -> None:
    """Something was written, and the books come to zero."""
    if balances in models:
        rows = target.execute(balances.SQL["trial_balance"]).fetchall()
        if not rows or sum(balance for _, _, balance, *_ in rows):
            raise RuntimeError(f"the books do not balance: {rows}")


def _verified(stage: Stage, events: int) -> Sample:
    """`scripts/replay.py --chain`."""
    report = verify_chain(stage.conninfo, SCHEMA)
    if report.finding or report.events != events:
        raise RuntimeError(f"{report.events} events of {events} were checked: {report.finding}")
    return Sample(events / report.seconds)
