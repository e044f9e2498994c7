"""What is due: the table of rules, and the rows that follow from it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from ledger.due import Done, Due, by_event, changes
from ledger.events import DomainEvent
from ledger.payments import due as payments
from ledger.payments import events as e
from ledger.payments.review_events import DecisionNeeded, ReviewDecided
from projections import due_work
from projections.due_work import EVER, Mark
from support.payment_lives import PAID, SETTLED, interleaved, lived
from support.read_side import ReadSide, open_read_side

REFUND = (e.RefundRequested, e.RefundDispatched)


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.mark.parametrize(
    ("events", "due"),
    [
        (PAID[:1], {}),
        (PAID[:2], {"charge": 3}),
        (PAID[:3], {"inquire": 30}),
        ((*PAID[:3], e.ChargeOutcomeUnknown), {"inquire": 5}),
        ((*PAID[:3], e.ChargeRetryScheduled), {"charge": 60}),
        (PAID[:4], {"inquire": 30}),
        ((*PAID[:3], e.ChargeChallenged), {"inquire": 600}),
        ((*PAID[:3], e.ChargeAuthorised), {"inquire": 600}),
        ((*PAID[:3], e.ChargeAuthorised, e.CaptureRequested), {"inquire": None, "capture": 15}),
        (
            (*PAID[:3], e.ChargeAuthorised, e.CaptureRequested, e.PaymentCaptured),
            {"inquire": 21_600},
        ),
        ((*PAID[:3], e.ChargeAuthorised, e.CaptureRequested, e.CaptureRefused), {"inquire": None}),
        ((*PAID[:4], e.CancelRequested), {"inquire": None, "cancel": 15}),
        ((*PAID[:4], e.CancelRequested, e.CancelRefused), {"inquire": None}),
        ((*PAID[:4], e.CancelRequested, e.ChargeCancelled), {}),
        ((*PAID[:2], e.PaymentAbandoned), {}),
        (PAID, {"inquire": 21_600}),
        (SETTLED, {}),
        ((*PAID[:4], e.ChargeDenied), {}),
        ((*PAID[:4], e.ChargeExpired), {"watch": 86_400}),
        ((*PAID[:4], e.ChargeExpired, e.AttemptClosed), {}),
        ((*PAID[:4], e.ChargeExpired, e.StrayChargeFound), {"watch": None, "compensate": 0}),
        ((*PAID[:4], e.ChargeExpired, e.LatePaymentReceived), {"compensate": 0}),
        ((*PAID[:4], e.ChargeExpired, e.LatePaymentReceived, e.LatePaymentReturned), {}),
        ((*PAID[:4], e.ChargeExpired, e.LatePaymentReceived, DecisionNeeded), {}),
        ((*PAID[:3], e.ChargeFailed), {}),
        ((*PAID, e.SettlementReversed), {}),
        ((*SETTLED, e.ChargebackReceived), {}),
        ((*SETTLED, REFUND[0]), {"refund": 3}),
        ((*SETTLED, *REFUND), {"inquire_refund": 30}),
        ((*SETTLED, *REFUND, e.RefundOutcomeUnknown), {"inquire_refund": 5}),
        ((*SETTLED, *REFUND, e.RefundRetryScheduled), {"refund": 60}),
        ((*SETTLED, *REFUND, e.RefundAccepted), {"inquire_refund": 30}),
        ((*SETTLED, *REFUND, e.RefundAccepted, e.RefundConfirmed), {}),
        ((*SETTLED, *REFUND, e.RefundFailed), {}),
        ((*PAID[:4], e.CancelRequested, e.ReviewRequested), {}),
        ((*SETTLED, *REFUND, e.ReviewRequested), {}),
        ((*PAID[:4], e.ReviewRequested, ReviewDecided), {"inquire": 0}),
    ],
)
@pytest.mark.parametrize("batch", [1, 5_000])
def test_what_is_due_after_each_step_of_a_life(
    read_side: ReadSide,
    events: tuple[type[DomainEvent], ...],
    due: dict[str, int | None],
    batch: int,
) -> None:
    facts = lived("pay_1", *events)
    read_side.log.append("pay_1", facts)

    read_side.catch_up(batch)

    # None: it was due before the last event, whenever that was.
    now = max(fact.occurred_at for fact in facts)
    shown = {
        row["kind"]: (row["due_at"] - now).total_seconds()
        for row in read_side.rows("select * from due_work")
    }
    assert {
        kind: seconds if due.get(kind) is not None else None for kind, seconds in shown.items()
    } == due


def test_a_refund_is_told_from_another_by_its_id(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED, *REFUND, REFUND[0]))

    read_side.catch_up()

    subjects = {row["kind"]: row["subject"] for row in read_side.rows("select * from due_work")}
    assert subjects == {"inquire_refund": "ref_pay_1_0", "refund": "ref_pay_1_1"}


def test_a_new_attempt_is_due_under_its_own_number(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID[:3], e.ChargeFailed, e.AttemptStarted))

    read_side.catch_up()

    assert read_side.one("select kind, subject from due_work") == {"kind": "charge", "subject": "2"}


def test_the_rules_read_alone_say_what_ends_before_what_begins() -> None:
    at = datetime.fromisoformat("2026-11-23T10:00:00Z")
    dispatched = e.ChargeDispatched(attempt=2, sent_by="w", sending=1, occurred_at=at)

    assert changes(by_event(payments.RULES), dispatched) == [
        Done("charge", "2"),
        Due("inquire", "2", at + timedelta(seconds=30)),
    ]


def test_every_delay_says_why() -> None:
    assert all(rule.delay is not None and rule.delay.why for rule in due_work.RULES if rule.begins)


def test_the_rules_of_payments_know_the_kinds_that_the_worker_knows() -> None:
    named = [(*rule.ends, *([rule.begins] if rule.begins else [])) for rule in payments.RULES]

    assert {kind for kinds in named for kind in kinds} == set(payments.KINDS)


async def test_due_work_comes_longest_overdue_first(read_side: ReadSide) -> None:
    read_side.log.append_all(interleaved(payments=20, steps=4, seed=5))
    read_side.catch_up()
    rows = sorted(row["due_at"] for row in read_side.rows("select due_at from due_work"))
    first_of_all = Mark(rows[0] - timedelta(seconds=1), EVER)

    async with read_side.asking() as conn:
        overdue = await due_work.due(conn, first_of_all, rows[4], 100)
        first = await due_work.due(conn, first_of_all, rows[-1], 2)
        nothing = await due_work.due(conn, first_of_all, first_of_all.due_at, 100)
        after = await due_work.due(conn, due_work.mark(first[-1]), rows[-1], 100)

    assert [row["due_at"] for row in overdue] == [at for at in rows if at <= rows[4]]
    assert [row["due_at"] for row in first] == rows[:2]
    assert nothing == []
    assert [row["due_at"] for row in after] == rows[2:]


async def test_work_that_was_due_when_it_was_written_comes_in_the_order_of_the_log(
    read_side: ReadSide,
) -> None:
    read_side.log.append_all(interleaved(payments=20, steps=4, seed=5))
    read_side.catch_up()
    rows = read_side.rows("select due_at, position from due_work order by position")
    due_by = sorted(row["due_at"] for row in rows)[len(rows) // 2]
    wanted = [row["position"] for row in rows[3:] if row["due_at"] <= due_by]

    async with read_side.asking() as conn:
        late = await due_work.late(conn, rows[2]["position"], due_by, 100)
        first = await due_work.late(conn, rows[2]["position"], due_by, 2)

    assert [row["position"] for row in late] == wanted
    assert [row["position"] for row in first] == wanted[:2]
