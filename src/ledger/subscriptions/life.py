"""The whole life of a subscription, as tables. docs/subscriptions.md prints them.

Deciders read the left two columns (`may`), `evolve` the right one; None: the event itself says.
"""

from enum import StrEnum
from typing import Final

from ledger.events import DomainEvent
from ledger.subscriptions import events as e


class Status(StrEnum):
    NEW = "new"
    INCOMPLETE = "incomplete"  # its first bill is not paid
    TRIALING = "trialing"
    ACTIVE = "active"
    IN_GRACE = "in_grace"  # a bill is overdue, and access goes on
    PAST_DUE = "past_due"  # a bill is overdue, and access does not
    UNPAID = "unpaid"  # given up; nothing is billed until the bill is paid
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # never began


S = Status

OVERDUE: Final = (S.IN_GRACE, S.PAST_DUE)
ENDED: Final = (S.CANCELLED, S.EXPIRED)
RUNNING: Final = (S.TRIALING, S.ACTIVE, S.CANCELLING)
LIVE: Final = (S.INCOMPLETE, *RUNNING, *OVERDUE, S.UNPAID, S.PAUSED)
BEGUN: Final = (*LIVE, *ENDED)

# from                                event                        to (None: as the event says, or stays)
TRANSITIONS: Final[tuple[tuple[tuple[Status, ...], type[DomainEvent], Status | None], ...]] = (
    ((S.NEW,),                        e.SubscriptionCreated,       None),
    ((S.INCOMPLETE, *RUNNING),        e.PeriodOpened,              None),
    (RUNNING,                         e.PeriodsMissed,             None),
    (BEGUN,                           e.CollectionOrdered,         None),
    (BEGUN,                           e.CollectionImpossible,      None),
    (BEGUN,                           e.BillSettled,               None),
    (BEGUN,                           e.CollectionFailed,          None),
    (RUNNING,                         e.DunningStarted,            None),
    (OVERDUE,                         e.DunningStepTaken,          None),
    ((*RUNNING, *OVERDUE),            e.ReminderDue,               None),
    (BEGUN,                           e.CreditGiven,               None),
    (BEGUN,                           e.RefundNoted,               None),
    (BEGUN,                           e.BillUnsettled,             None),
    ((S.TRIALING, S.ACTIVE),          e.SubscriptionChanged,       None),
    ((S.TRIALING, S.ACTIVE),          e.ChangeScheduled,           None),
    (LIVE,                            e.ChangeWithdrawn,           None),
    (LIVE,                            e.PayingChanged,             None),
    ((S.TRIALING, S.ACTIVE),          e.SubscriptionPaused,        S.PAUSED),
    ((S.PAUSED,),                     e.SubscriptionResumed,       None),
    (RUNNING,                         e.CancellationScheduled,     S.CANCELLING),
    ((S.CANCELLING,),                 e.CancellationWithdrawn,     None),
    (LIVE,                            e.SubscriptionCancelled,     S.CANCELLED),
    ((S.INCOMPLETE,),                 e.SubscriptionExpired,       S.EXPIRED),
    ((S.CANCELLED, S.EXPIRED, S.UNPAID),
                                      e.SubscriptionReactivated,   S.INCOMPLETE),
    (RUNNING,                         e.PeriodWithdrawn,           None),
    (BEGUN,                           e.BillDropped,               None),
)  # fmt: skip

# Where a row says None and the event may move it: whither. Everywhere else it stays.
SAID: Final[tuple[tuple[tuple[Status, ...], type[DomainEvent], tuple[Status, ...]], ...]] = (
    ((S.NEW,),         e.SubscriptionCreated,    (S.INCOMPLETE, S.TRIALING)),
    ((S.INCOMPLETE,),  e.BillSettled,            (S.INCOMPLETE, S.ACTIVE)),
    ((S.TRIALING,),    e.BillSettled,            (S.ACTIVE,)),
    ((S.IN_GRACE,),    e.BillSettled,            (S.IN_GRACE, S.ACTIVE, S.CANCELLING)),
    ((S.PAST_DUE,),    e.BillSettled,            (S.PAST_DUE, S.ACTIVE, S.CANCELLING)),
    ((S.UNPAID,),      e.BillSettled,            (S.UNPAID, S.ACTIVE, S.CANCELLING)),
    ((S.PAUSED,),      e.BillSettled,            (S.PAUSED, S.ACTIVE, S.CANCELLING)),
    (RUNNING,          e.DunningStarted,         OVERDUE),
    ((S.IN_GRACE,),    e.DunningStepTaken,       (S.IN_GRACE, S.PAST_DUE)),
    ((S.PAST_DUE,),    e.DunningStepTaken,       (S.PAST_DUE, S.UNPAID, S.PAUSED)),
    ((S.PAUSED,),      e.SubscriptionResumed,    (S.ACTIVE, S.TRIALING, S.CANCELLING)),
    ((S.CANCELLING,),  e.CancellationWithdrawn,  (S.ACTIVE, S.TRIALING)),
)  # fmt: skip

NEXT: Final = {(status, event): to for before, event, to in TRANSITIONS for status in before}
WAYS: Final = {(status, event): ends for before, event, ends in SAID for status in before}


def ends_of(before: Status, event: type[DomainEvent]) -> tuple[Status, ...]:
    """Where an event that may happen leads."""
    to = NEXT[before, event]
    return (to,) if to else WAYS.get((before, event), (before,))
