"""Python's search for cycles of garbage, tuned for a process that keeps many immutable states: at the
default of every 700 objects it took a tenth of the time, and found nothing.
"""

import gc
from typing import Final

OBJECTS: Final = 50_000  # made since the last search of the youngest, before the next


def tune() -> None:
    """Called once a process, when everything that lives as long as it does has been made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 20, 20)
