"""What is paid becomes another product, or less, within its time.

What was earned until then stays earned, as what it was; credit is first taken of what was not.
"""

from collections.abc import Sequence
from functools import reduce

from ledger.bills import commands as c
from ledger.bills import events as e
from ledger.bills.bill import Bill, may
from ledger.bills.earning import catch_up, timed
from ledger.bills.folding import evolve
from ledger.events import DomainEvent


def change_bill(bill: Bill, command: c.ChangeBill) -> Sequence[DomainEvent]:
    """Of a bill that is not paid there is nothing to credit or to earn."""
    bill.terms  # noqa: B018  raises on an empty stream
    credited = command.credited
    nothing = not (credited.net or credited.tax) and command.product == bill.product
    if nothing or not may(bill, e.BillChanged):
        return []
    earned = catch_up(bill, min(command.at, command.now), command.now)
    return [*earned, _changed(reduce(evolve, earned, bill), command)]


def _changed(bill: Bill, command: c.ChangeBill) -> e.BillChanged:
    net = command.credited.net
    from_deferred = min(net, bill.unearned)
    left = bill.unearned - from_deferred
    changed = e.BillChanged(
        occurred_at=command.now,
        at=command.at,
        credited=command.credited,
        from_deferred=from_deferred,
        from_income=net - from_deferred,
        moved=left if command.product != bill.product else left.zero(),
        sold_as=bill.product,
        product=command.product,
        recognise_at=None,
    )
    return timed(bill, changed, command.now)
