"""Every fact the log may hold. Importing an area's events enters its topics; an area that is
missing here cannot be read.
"""

from typing import Final

from ledger.access import events as access
from ledger.bills import events as bills
from ledger.coupons import events as coupons
from ledger.customers import events as customers
from ledger.journal import events as journal
from ledger.payments import events as payments
from ledger.payments import review_events as reviews
from ledger.plans import events as plans
from ledger.subscriptions import events as subscriptions

AREAS: Final = (
    access,
    bills,
    coupons,
    customers,
    journal,
    payments,
    plans,
    reviews,
    subscriptions,
)
