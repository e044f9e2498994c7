"""What has to be true of the rows of a log, each rule a check of its own: positions, the chain, versions,
entries, command ids.

A check sees pages of rows in order, from the first, and says which row is the first that is wrong.
None needs another, so that each can be shown to find what the others do not.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from ledger.eventstore.chain import GENESIS, link
from ledger.eventstore.log_row import LogRow
from projections.auditing import Finding

ENTRIES: Final = "journal.entry_posted."


class Check(Protocol):
    def page(self, rows: Sequence[LogRow]) -> Finding | None:
        """The first row that is wrong. Nothing more is shown to a check that has found one."""


def wrong(rule: str, words: str, row: LogRow) -> Finding:
    return Finding(
        rule=rule,
        words=words,
        position=row.position,
        stream=row.stream,
        version=row.version,
        topic=row.topic,
    )


class Positions:
    """They are counted from 1, none left out and none there twice."""

    def __init__(self) -> None:
        self.reached = 0

    def page(self, rows: Sequence[LogRow]) -> Finding | None:
        for row in rows:
            if row.position != self.reached + 1:
                return self._broken_by(row)
            self.reached += 1
        return None

    def _broken_by(self, row: LogRow) -> Finding:
        if row.position <= self.reached:
            return wrong("positions", f"there is another event at position {row.position}", row)
        missing = self.reached + 1
        words = f"the log has no event at position {missing}"
        return Finding(rule="positions", words=words, position=missing)


class Chain:
    """Each hash is that of the event and the hash before it."""

    def __init__(self) -> None:
        self._hash = GENESIS

    def page(self, rows: Sequence[LogRow]) -> Finding | None:
        previous = self._hash
        for row in rows:
            digest = link(previous, row.position, row.stream, row.version, row.topic, row.state)
            if digest != row.hash:
                words = "the hash does not follow from the event and the hash before it"
                return wrong("chain", words, row)
            previous = digest
        self._hash = previous
        return None


class Versions:
    """Those of each stream are counted from 1."""

    def __init__(self) -> None:
        self.streams: defaultdict[str, int] = defaultdict(int)

    def page(self, rows: Sequence[LogRow]) -> Finding | None:
        streams = self.streams
        for row in rows:
            expected = streams[row.stream] + 1
            if row.version != expected:
                words = f"version {expected} of the stream is missing"
                return wrong("versions", words, row)
            streams[row.stream] = expected
        return None


class _Amount(msgspec.Struct, gc=False):
    minor: int
    currency: str


class _Leg(msgspec.Struct, gc=False):
    amount: _Amount


class _Entry(msgspec.Struct, gc=False):
    legs: list[_Leg]


class _Stored(msgspec.Struct, gc=False):
    d: _Entry


class Entries:
    """Each sums to zero in every currency. No more of it is read than that takes."""

    def __init__(self) -> None:
        self.entries = 0
        self._decode = msgspec.json.Decoder(_Stored).decode

    def page(self, rows: Sequence[LogRow]) -> Finding | None:
        for row in rows:
            if row.topic.startswith(ENTRIES) and (finding := self._wrong(row)):
                return finding
        return None

    def _wrong(self, row: LogRow) -> Finding | None:
        self.entries += 1
        try:
            legs = self._decode(row.state).d.legs
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return wrong("readable", f"the entry cannot be read: {error}", row)
        sums: dict[str, int] = {}
        for leg in legs:
            amount = leg.amount
            sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
        for currency, minor in sums.items():
            if minor:
                return wrong("balance", f"the entry does not balance: {currency} {minor}", row)
        return None if legs else wrong("balance", "the entry has no legs", row)
