"""How often and how long we try. Only what the gateway provably did not do is sent again without
asking first.
"""

from typing import Final

# brief.md, "Retry Strategy": three retries, base 1 s, cap 30 s, exponential, jitter (full).
MAXIMUM_RETRIES: Final = 3
BASE_SECONDS: Final = 1.0
CAP_SECONDS: Final = 30.0


def longest_wait_seconds(retry: int) -> float:
    """The upper end of the jittered wait before retry 1, 2, 3; the wait is drawn evenly from 0 to
    it.
    """
    return float(min(CAP_SECONDS, BASE_SECONDS * 2 ** (retry - 1)))
