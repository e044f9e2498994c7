"""Idempotency-Key (midtrans.md 1.4): five minutes, successes only, whatever the new body says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from simulator.clock import Clock
from simulator.transactions import Fields

LASTS: Final = timedelta(minutes=5)
SUBSCRIPTIONS_LAST: Final = timedelta(minutes=3)
LONGEST_KEY: Final = 46  # a longer one is silently ignored
SUCCESSES: Final = ("200", "201", "407")  # 407 is how /expire succeeds
IN_PROGRESS: Final = {"status_message": "The first request with this key is still in progress."}


@dataclass(slots=True)
class Stored:
    at: datetime
    lasts: timedelta
    answer: Fields | None = None  # None while the first request is running


class Replays:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stored: dict[str, Stored] = {}

    def find(self, key: str) -> Stored | None:
        stored = self._stored.get(key)
        expired = stored and stored.answer and self._clock.now() - stored.at > stored.lasts
        return None if expired else stored

    def begin(self, key: str) -> None:
        self._stored[key] = Stored(self._clock.now(), LASTS)

    def finish(self, key: str, answer: Fields, lasts: timedelta = LASTS) -> None:
        """Kept when it is a success. Subscriptions' answers have no code: they are made only then."""
        if answer.get("status_code", "200") in SUCCESSES:
            self._stored[key] = Stored(self._clock.now(), lasts, answer)
        else:
            self.forget(key)

    def forget(self, key: str) -> None:
        self._stored.pop(key, None)


def usable(key: str | None) -> str | None:
    return key if key and len(key) <= LONGEST_KEY else None
