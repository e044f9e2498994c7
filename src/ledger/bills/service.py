"""Bills in the log. What happens to them follows from subscriptions and payments; here they are looked
at. The only file of this area that does I/O.
"""

from dataclasses import dataclass

from ledger.bills.bill import Bill, BillNotFound
from ledger.bills.deciding import BOOKED_BILL
from ledger.eventstore.store import EventStore


@dataclass(frozen=True, kw_only=True)
class BillService:
    store: EventStore

    async def get(self, bill_id: str) -> Bill:
        """Raises BillNotFound."""
        bill = (await self.store.load(BOOKED_BILL, bill_id)).state
        if bill.opened is None:
            raise BillNotFound(bill_id=bill_id)
        return bill
