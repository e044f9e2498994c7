"""When a bill's next day of revenue is earned."""

from typing import Final

from ledger.bills import events as e
from ledger.due import Delay, Rule
from ledger.events import DomainEvent

RECOGNISE: Final = "recognise"
DAYS_END: Final = Delay("recognise_at", "a day is earned when it is over in Jakarta")

RULES: Final = (
    Rule(e.BillPaid,          "", (RECOGNISE,), RECOGNISE, DAYS_END),
    Rule(e.RevenueRecognised, "", (RECOGNISE,), RECOGNISE, DAYS_END),
    Rule(e.BillChanged,       "", (RECOGNISE,), RECOGNISE, DAYS_END),
    Rule(e.BillRefunded,      "", (RECOGNISE,), RECOGNISE, DAYS_END),
    Rule(e.BillRefundFailed,  "", (RECOGNISE,), RECOGNISE, DAYS_END),
    Rule(e.BillReopened,      "", (RECOGNISE,)),
    Rule(e.BillDisputed,      "", (RECOGNISE,)),  # its revenue waits for the outcome
)  # fmt: skip

WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = (
    e.BillOpened,
    e.BillCollectionBegun,
    e.BillCollectionFailed,
    e.BillPaidTwice,
    e.BillCreditWithdrawn,
    e.BillRefundAsked,
    e.BillRefundDropped,
    e.BillVoided,
    e.BillWrittenOff,
)
