"""What may happen to a subscription, at random but reproducibly."""

import random
from contextlib import suppress
from datetime import datetime
from typing import Final

from ledger.errors import LedgerError
from ledger.subscriptions import commands as c
from ledger.subscriptions.events import Sold
from ledger.subscriptions.periods import Interval
from support.subscription_facts import sold
from support.subscription_stories import Bought

INTERVALS: Final = (
    *(Interval("month"), Interval("month"), Interval("week", 2), Interval("quarter")),
    *(Interval("year"), Interval("day", 10)),
)
MODES: Final = ("prorate_now", "prorate_at_renewal", "next_period", "none")


def some(chance: random.Random) -> Sold:
    return sold(
        chance.randrange(10_000, 300_000, 10_000),
        name=chance.choice(["Basic", "Pro", "Max"]),
        tax_mode="exclusive",
        interval=chance.choice(INTERVALS),
        quantity=chance.choice([1, 1, 2, 5]),
        trial_days=chance.choice([0, 0, 10]),
    )


def happen(bought: Bought, chance: random.Random, moment: datetime) -> None:
    """What the ledger refuses does not."""
    moment = moment.replace(microsecond=0)
    bought.until(moment)
    with suppress(LedgerError):
        match chance.randrange(8):
            case 0 | 1 | 2:
                bought.change(moment, some(chance), chance.choice(MODES))
            case 3:
                bought.broke = not bought.broke
            case 4:
                bought.pays_at_last(moment)
            case 5:
                bought.asks(c.PauseSubscription(now=moment, reason="away"))
            case 6:
                bought.cancel(moment, now=chance.random() < 0.3)
            case 7 if bought.state.status.value == "paused":
                bought.asks(c.ResumeSubscription(now=moment, payment_id=bought._payment()))
            case 7:
                bought.asks(c.ReactivateSubscription(now=moment, payment_id=bought._payment()))
