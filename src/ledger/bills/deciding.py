"""The bill decider: a table from command to rule, and its booked form, in which each fact brings its
entries.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from ledger import money, share
from ledger.bills import bill, billing, changing, earning, events, folding, life, undoing
from ledger.bills import commands as c
from ledger.bills.bill import Bill
from ledger.bills.folding import evolve
from ledger.decider import Decider, followed_by
from ledger.events import DomainEvent
from ledger.eventstore.snapshot_form import snapshot_form
from ledger.journal.posting_rules import consequence
from ledger.payments import events as payment_events

Rule = Callable[[Bill, Any], Sequence[DomainEvent]]

ASKING: Final[dict[type[c.Command], Rule]] = {
    c.OpenBill: billing.open_bill,
    c.BeginCollection: billing.begin_collection,
    c.ChangeBill: changing.change_bill,
    c.AskRefund: undoing.ask_refund,
    c.VoidBill: billing.void_bill,
    c.WriteOffBill: billing.write_off_bill,
}
# Never refused, not even on an empty stream; nothing new brings no fact.
RECORDING: Final[dict[type[c.Command], Rule]] = {
    c.RecordPaid: billing.record_paid,
    c.RecordNotPaid: billing.record_not_paid,
    c.RecordUndone: undoing.record_undone,
    c.RecordRefunded: undoing.record_refunded,
    c.RecordRefundFailed: undoing.record_refund_failed,
    c.RecordDisputed: undoing.record_disputed,
    c.Recognise: earning.recognise,
}

RULES: Final = ASKING | RECORDING


def decide(state: Bill, command: c.BillCommand) -> Sequence[DomainEvent]:
    return RULES[type(command)](state, command)


BILL: Final[Decider[Bill, c.BillCommand]] = Decider(
    Bill(),
    decide,
    evolve,
    snapshot_form(Bill, bill, folding, life, events, payment_events, money, share),
)

BOOKED_BILL: Final = followed_by(BILL, consequence)
