"""Every command in every state of a bill: which facts, and which refusals."""

from collections.abc import Mapping

import pytest

from ledger.bills import events as e
from ledger.bills.bill import BillNotFound, BillStateForbids
from ledger.bills.commands import BillCommand
from ledger.bills.deciding import BILL, RECORDING, RULES
from ledger.bills.life import NEXT, TRANSITIONS
from ledger.bills.undoing import RefundExceedsBill
from ledger.errors import LedgerError
from ledger.events import TOPICS, DomainEvent
from support.bill_facts import (
    ask_refund,
    begin,
    bill,
    change,
    disputed,
    end_of_day,
    not_paid,
    open_bill,
    paid,
    recognise,
    refund_failed,
    refunded,
    undone,
    void,
    write_off,
)

OPEN = (open_bill(), begin())
PAID = (*OPEN, paid())
STATES: dict[str, tuple[BillCommand, ...]] = {
    "new": (),
    "open": OPEN,
    "paid": PAID,
    "paid twice": (*PAID, paid("pay_2")),
    "asked": (*PAID, ask_refund()),
    "refunded": (*PAID, refunded()),
    "disputed": (*PAID, disputed()),
    "reopened": (*PAID, undone()),
    "void": (*OPEN, void()),
    "written off": (*OPEN, write_off()),
}
IS_PAID = ("paid", "paid twice", "asked", "refunded", "disputed")
OWED = ("open", "reopened", "written off")
Expected = type[DomainEvent] | type[LedgerError]


def among(names: tuple[str, ...], expected: Expected) -> dict[str, Expected]:
    return dict.fromkeys(names, expected)


UNKNOWN = {"new": BillNotFound}
CLOSED = among((*IS_PAID, "void"), BillStateForbids)
# The command, and what it brings where; elsewhere nothing.
ROWS: tuple[tuple[str, BillCommand, Mapping[str, Expected]], ...] = (
    ("open", open_bill(), {"new": e.BillOpened}),
    ("begin", begin("pay_3"), UNKNOWN | CLOSED | among(OWED, e.BillCollectionBegun)),
    ("begin again", begin(), UNKNOWN),
    (
        "paid",
        paid(),
        among(("open", "written off"), e.BillPaid) | {"void": e.BillPaidTwice},
    ),
    (
        "paid by another",
        paid("pay_2"),
        among((*OWED, "void", "paid", "asked", "refunded", "disputed"), e.BillPaidTwice),
    ),
    ("not paid", not_paid(), among(("open", "void", "written off"), e.BillCollectionFailed)),
    ("another not paid", not_paid("pay_9"), {}),
    ("undone", undone(), among(IS_PAID, e.BillReopened)),
    ("another undone", undone("pay_2"), {"paid twice": e.BillCreditWithdrawn}),
    ("ask a refund", ask_refund(refund_id="ref_2"), among(IS_PAID, e.BillRefundAsked)),
    ("ask more than all", ask_refund(99_001, "ref_2"), among(IS_PAID, RefundExceedsBill)),
    ("ask of another", ask_refund(refund_id="ref_2", payment_id="pay_2"), {}),
    ("refunded", refunded(refund_id="ref_2"), among(IS_PAID, e.BillRefunded)),
    (
        "another refunded",
        refunded(refund_id="ref_2", payment_id="pay_2"),
        {"paid twice": e.BillCreditWithdrawn},
    ),
    (
        "refund failed",
        refund_failed(),
        {"asked": e.BillRefundDropped, "refunded": e.BillRefundFailed},
    ),
    ("disputed", disputed(), among(("paid", "paid twice", "asked", "refunded"), e.BillDisputed)),
    ("another disputed", disputed("pay_2"), {}),
    (
        "recognise",
        recognise(end_of_day(1)),
        among(("paid", "paid twice", "asked", "refunded"), e.RevenueRecognised),
    ),
    ("change", change(), UNKNOWN | among(IS_PAID, e.BillChanged)),
    ("change to the same", change("Premium"), UNKNOWN),
    ("void", void(), UNKNOWN | among(OWED, e.BillVoided)),
    ("write off", write_off(), UNKNOWN | among(("open", "reopened"), e.BillWrittenOff)),
)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("command", "where"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_a_command_does_in_a_state_what_the_table_says(command, where, state):
    expected = where.get(state)
    when = bill(*STATES[state]).when(command)

    if expected is None:
        when.then_nothing()
    elif issubclass(expected, LedgerError):
        when.then_refused(expected)
    else:
        when.then(expected)


def test_every_command_is_in_the_table():
    assert {type(command) for _, command, _ in ROWS} == set(RULES)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", [r[1] for r in ROWS], ids=[r[0] for r in ROWS])
def test_what_is_recorded_again_brings_nothing(command, state):
    if type(command) in RECORDING:
        bill(*STATES[state], command).when(command).then_nothing()


def test_every_event_of_a_bill_is_in_the_table_of_its_life():
    events = {event for topic, event in TOPICS.items() if topic.startswith("bill.")}

    assert {event for _, event, _ in TRANSITIONS} == events


def test_each_event_leads_to_one_status_only():
    leads = {(event, to) for _, event, to in TRANSITIONS if to}

    assert len({event for event, _ in leads}) == len(leads)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", [r[1] for r in ROWS], ids=[r[0] for r in ROWS])
def test_nothing_happens_that_the_table_has_no_row_for(command, state):
    now = bill(*STATES[state]).state
    try:
        facts = BILL.decide(now, command)
    except LedgerError:
        return
    for fact in facts:
        assert (now.status, type(fact)) in NEXT
        now = BILL.evolve(now, fact)
