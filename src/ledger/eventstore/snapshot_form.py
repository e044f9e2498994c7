"""The form of a state that is kept: JSON, under the digest of the code that folds it.

So a snapshot never outlives a change of that code: with another digest it is not read, and the
stream is folded anew.
"""

import hashlib
import inspect
from types import ModuleType
from typing import TypeVar

import msgspec

from ledger.decider import SnapshotForm

State = TypeVar("State")


def snapshot_form(state: type[State], *modules: ModuleType) -> SnapshotForm[State]:
    """`modules` are all on which the fold depends."""
    source = "".join(inspect.getsource(module) for module in modules)
    return SnapshotForm(
        format=hashlib.sha256(source.encode()).hexdigest()[:32],
        encode=msgspec.json.Encoder().encode,
        decode=msgspec.json.Decoder(state).decode,
    )
