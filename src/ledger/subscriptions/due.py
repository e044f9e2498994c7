"""When to look at a subscription again: each decision says so on its last fact. The facts before it
end what was due until then.
"""

from typing import Final

from ledger.due import Delay, Rule
from ledger.subscriptions.folding import EFFECTS

ADVANCE: Final = "advance"
NEXT: Final = Delay("next_at", "the earliest of all that waits for a moment")

RULES: Final = tuple(Rule(event, "", (ADVANCE,), ADVANCE, NEXT) for event in EFFECTS)
