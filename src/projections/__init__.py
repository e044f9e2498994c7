"""What the ledger looks like: read models, each a function of the event log alone.

    balances        what every account holds
    journal         every entry and its legs, with the event that caused it
    payments        every payment as it stands now
    payment_events  the history of each payment, without personal data
    subscriptions   every subscription as it stands now
    bills           every bill as it stands now
    billing_events  the history of each subscription and bill
    recurring_revenue  what subscriptions bring a month, movement by movement
    method_health   how each payment method fares at the gateway
    due_work        what the worker has to do next
    reviews         what waits for a person
    plans           every plan in the version that is sold
    coupons         every coupon, and how often it was redeemed
    customers       every customer, without personal data

None of them is the truth: any may be dropped and is rebuilt from the log, byte for byte
(`scripts/replay.py` proves it). A group is applied together and has one position, so that one group
can halt while another goes on. What an event does that cannot be applied is in AT_POISON.

Reading order: payments.py and payments.sql, engine/read_model, engine/follower, engine/quarantine,
engine/rebuild, replaying, resuming.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

from projections import (
    balances,
    billing_events,
    bills,
    coupons,
    customers,
    due_work,
    journal,
    method_health,
    payment_events,
    payments,
    plans,
    recurring_revenue,
    reviews,
    subscriptions,
)
from projections.engine.read_model import ReadModel

GROUPS: Final[Mapping[str, Sequence[ReadModel]]] = MappingProxyType(
    {
        "money": (balances, journal),
        "views": (
            *(payments, payment_events, method_health, due_work, reviews),
            *(customers, plans, coupons, subscriptions, bills, billing_events),
            recurring_revenue,
        ),
    }
)

# What a group does at an event that it cannot apply. Money is right or it stands still; of other
# read models only what belongs to the event's stream stands still, and the rest goes on.
AT_POISON: Final[Mapping[str, Literal["halt", "park"]]] = MappingProxyType(
    {"money": "halt", "views": "park"}
)

READ_MODELS: Final[Sequence[ReadModel]] = tuple(
    model for models in GROUPS.values() for model in models
)
