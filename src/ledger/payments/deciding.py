"""The payment decider: a table from command to rule, and its booked form, in which each money fact
brings its entry.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from ledger import money, share
from ledger.decider import Decider, followed_by
from ledger.events import DomainEvent
from ledger.eventstore.snapshot_form import snapshot_form
from ledger.journal.posting_rules import consequence
from ledger.payments import (
    aftercare,
    charging,
    events,
    folding,
    importing,
    life,
    payment,
    refunding,
    review_events,
    reviewing,
)
from ledger.payments import commands as c
from ledger.payments.folding import evolve
from ledger.payments.payment import Payment, PaymentUnderReview

Rule = Callable[[Payment, Any], Sequence[DomainEvent]]

ASKING: Final[dict[type[c.Command], Rule]] = {
    c.RequestPayment: charging.request_payment,
    c.ImportPayment: importing.import_payment,
    c.DispatchCharge: charging.dispatch_charge,
    c.RequestCapture: aftercare.request_capture,
    c.RequestCancel: aftercare.request_cancel,
    c.RequestRefund: refunding.request_refund,
    c.DispatchRefund: refunding.dispatch_refund,
    c.DecideReview: reviewing.decide_review,
}
RECORDING: Final[dict[type[c.Command], Rule]] = {
    c.RecordCharge: charging.record_charge,
    c.RecordInquiry: charging.record_inquiry,
    c.RecordCapture: aftercare.record_capture,
    c.RecordCancel: aftercare.record_cancel,
    c.RecordRefund: refunding.record_refund,
    c.WithdrawPayment: aftercare.withdraw_payment,
}

RULES: Final = ASKING | RECORDING


def decide(state: Payment, command: c.PaymentCommand) -> Sequence[DomainEvent]:
    """Frozen, a payment learns nothing either: what happened meanwhile is asked after a person has
    decided.
    """
    if state.review and type(command) is not c.DecideReview:
        if type(command) in RECORDING:
            return []
        raise PaymentUnderReview(rule=state.review)
    facts = RULES[type(command)](state, command)
    return [*facts, *reviewing.answered(state, facts, command.now)] if state.questions else facts


PAYMENT: Final[Decider[Payment, c.PaymentCommand]] = Decider(
    Payment(),
    decide,
    evolve,
    snapshot_form(Payment, payment, folding, life, events, review_events, money, share),
)

BOOKED_PAYMENT: Final = followed_by(PAYMENT, consequence)
