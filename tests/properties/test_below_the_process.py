"""Every schedule of requests, workers, notices, payers and banks, with everything failing that may:
the real service, worker, store and deciders hold what they promise (reliability.md 5.3).

`SCHEDULES=50000 pytest tests/properties/test_below_the_process.py -k every` looks further.
"""

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from support.gateway_faults import Fault
from support.memory_store import StoreFault
from support.schedule import Schedule
from support.schedule_moves import AllTurn, Ask, Begin, Look, Turn, Wish
from support.wrong_variants import CAUGHT_BY

SCHEDULES = int(os.environ.get("SCHEDULES", "2000"))
PARTS = 4  # Hypothesis remembers what it drew, and that is let go between two parts
WRONG_SCHEDULES = 2_000
ONLY_FIND: dict[str, Any] = {"phases": [Phase.generate], "database": None, "derandomize": True}
HERE = "tests/properties/test_below_the_process.py"

CARD, HELD = Wish("credit_card"), Wish("credit_card", capture="later")


def schedules(examples: int, **more: Any) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=26,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **more,
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_every_schedule_keeps_the_promises(part: int, request: pytest.FixtureRequest) -> None:
    number = request.config.getoption("--hypothesis-seed") or random.getrandbits(32)
    machine = seed(f"{number} {part}")(type("Seeded", (Schedule,), {}))
    try:
        run_state_machine_as_test(machine, settings=schedules(SCHEDULES // PARTS))
    except BaseException as failure:
        failure.add_note(
            f"Repeat it: pytest {HERE} -k 'every and {part}' --hypothesis-seed={number}"
        )
        raise


@pytest.mark.parametrize("name", CAUGHT_BY)
def test_a_wrong_variant_is_caught(name: str) -> None:
    variant, words = CAUGHT_BY[name]
    wrong = type("Wrong", (Schedule,), {"variant": variant})

    with pytest.raises(AssertionError, match=words):
        run_state_machine_as_test(wrong, settings=schedules(WRONG_SCHEDULES, **ONLY_FIND))


def test_the_same_schedule_is_the_same_history() -> None:
    first, second = _history(), _history()

    assert first == second
    assert len(first) > 8


def test_the_answer_to_one_refund_says_nothing_of_another() -> None:
    """It lists that one alone (midtrans.md 6); the other one still waits for its bank."""
    schedule = Schedule()
    schedule.begins(Begin(CARD, "paid"))
    for _ in range(2):
        schedule.asks(Ask(0, 0, 1, 0, None))
        schedule.all_go_on(AllTurn(100, 1_000))

    (payment,) = schedule.world.watch.payments.values()
    assert [refund.status for refund in payment.refunds] == ["accepted", "accepted"]
    schedule.teardown()


def _history() -> list[Any]:
    schedule = Schedule()
    schedule.begins(Begin(CARD, "asked"))
    schedule.all_go_on(AllTurn(5, 0))
    schedule.dies(0)
    schedule.repeats(0, 1)
    schedule.fails(("store", StoreFault.REPLY_LOST))
    schedule.goes_on(Turn(0, 12, 31))
    schedule.works(Look(1, 3, ("inquiry", Fault.NOT_SHOWN)))
    schedule.teardown()
    return schedule.world.log.rows


# ── what was found here, each as its shortest schedule ──


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.NOT_SHOWN])
def test_a_notice_stays_open_while_the_gateway_does_not_tell_what_it_is_about(fault: Fault) -> None:
    """Nothing else would tell of a chargeback: once settled, nothing is due any more."""
    schedule = Schedule()
    schedule.begins(Begin(CARD, "paid"))
    schedule.others_move(0)  # charged back
    schedule.notice_arrives(2)
    schedule.works(Look(0, 3, ("inquiry", fault)))
    schedule.all_go_on(AllTurn(100, 0))
    schedule.teardown()


def test_a_capture_whose_answer_comes_after_its_cancellation_is_no_late_payment() -> None:
    schedule = Schedule()
    schedule.begins(Begin(HELD, "answered"))
    schedule.asks(Ask(0, 0, None, 0, None))  # a capture
    schedule.goes_on(Turn(0, 4, 0))
    schedule.asks(Ask(2, 0, None, 1, None))  # a cancel
    schedule.goes_on(Turn(1, 3, 0))
    schedule.goes_on(Turn(0, 3, 0))  # captured at the gateway, and its answer is on its way
    schedule.goes_on(Turn(1, 12, 0))  # cancelled at the gateway, and known to be
    schedule.goes_on(Turn(0, 12, 0))
    assert not [
        recorded.event
        for recorded in schedule.world.log.rows
        if recorded.event.TOPIC == "payment.late_payment_received.v1"
    ]
    schedule.teardown()


def test_a_cancel_that_was_asked_for_before_a_chargeback_comes_to_rest() -> None:
    schedule = Schedule()
    schedule.begins(Begin(CARD, "asked"))
    schedule.all_go_on(AllTurn(5, 0))
    schedule.asks(Ask(0, 0, None, 0, None))  # a cancel, while the charge is under way
    schedule.all_go_on(AllTurn(13, 0))
    schedule.others_move(0)  # settles
    schedule.others_move(0)  # charged back
    schedule.teardown()
    assert not schedule.world.due.rows


def test_an_answer_that_a_reversal_has_overtaken_freezes_nothing() -> None:
    schedule = Schedule()
    schedule.begins(Begin(CARD, "answered"))
    schedule.notice_arrives(0)
    schedule.works(Look(0, 1, None))
    schedule.goes_on(Turn(0, 4, 2))  # captured, the answer says, and is long on its way
    schedule.others_move(1)  # voided
    schedule.notice_arrives(1)
    schedule.works(Look(0, 1, None))
    schedule.goes_on(Turn(1, 100, 0))
    assert schedule.world.log.rows[-2].event.TOPIC == "payment.settlement_reversed.v1"
    schedule.all_go_on(AllTurn(100, 0))
    schedule.teardown()


def test_what_is_paid_on_a_page_just_after_it_was_given_up_is_given_back() -> None:
    schedule = Schedule()
    schedule.begins(Begin(Wish("snap", expires_after_seconds=1800), "asked"))
    schedule.all_go_on(AllTurn(5, 121))
    schedule.asks(Ask(0, 0, None, 0, None))  # a cancel
    schedule.works(Look(0, 1, None))
    schedule.all_go_on(AllTurn(1, 0))
    schedule.all_go_on(AllTurn(5, 0))  # never seen, the answer says
    schedule.others_move(0)  # the payer begins
    schedule.all_go_on(AllTurn(100, 0))
    schedule.others_move(0)  # and pays
    schedule.teardown()


def test_a_refusal_is_not_the_last_word_of_a_page_whose_answer_was_lost() -> None:
    """The payer tries again under it, and pays."""
    schedule = Schedule()
    schedule.begins(Begin(Wish("snap", expires_after_seconds=1800), "asked"))
    schedule.all_go_on(AllTurn(4, 0))
    schedule.all_go_on(AllTurn(1, 11))
    schedule.all_go_on(AllTurn(4, 0))
    schedule.others_move(0)
    schedule.others_move(1)
    schedule.notice_arrives(0)
    schedule.works(Look(0, 1, None))
    for _ in range(3):
        schedule.all_go_on(AllTurn(1, 0))
    schedule.others_move(0)
    schedule.others_move(0)
    schedule.teardown()
