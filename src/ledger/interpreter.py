"""Python itself, tuned for a process that keeps many immutable states and has a few threads beside its
event loop.
"""

import gc
import sys
from typing import Final

# Made since the last search of the youngest, before the next: at the default of every 700 the search
# for cycles took a tenth of the time, and found nothing.
OBJECTS: Final = 50_000
# After which a thread has to let another one go on. Whoever reads rows waits for it at every packet
# that comes in: at the default of 5 ms, read models fell behind a busy event loop.
TURN_SECONDS: Final = 0.000_5


def tune() -> None:
    """Called once a process, when everything that lives as long as it does has been made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 20, 20)
    sys.setswitchinterval(TURN_SECONDS)
