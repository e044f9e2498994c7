"""What is left to do of an erasure once it is approved."""

from datetime import timedelta
from typing import Final

from ledger.customers.events import CustomerErased, ErasureApproved
from ledger.due import Delay, Rule

ERASE: Final = "erase"
AFTER_THE_CALL: Final = Delay(timedelta(seconds=10), "who approves it carries it out, if he can")

RULES: Final = (
    Rule(ErasureApproved, "", begins=ERASE, delay=AFTER_THE_CALL),
    Rule(CustomerErased, "", ends=(ERASE,)),
)
