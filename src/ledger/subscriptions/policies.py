"""Dunning policies: what happens to an overdue bill, step by step, until somebody pays or it ends.

A policy is never edited: a new version is added, and those under way go on with theirs.
"""

from datetime import timedelta
from typing import Final, Literal, NamedTuple

from ledger.errors import Rejected

Action = Literal["retry", "remind", "fallback", "end_grace", "cancel", "pause", "mark_unpaid"]


class DunningPolicyUnknown(Rejected):
    code = "dunning_policy_unknown"
    title = "There is no dunning policy of this name."


class PolicyStep(NamedTuple):
    """So long after the bill was overdue."""

    after: timedelta
    action: Action


class Policy(NamedTuple):
    """`grace`: access goes on until the step `end_grace`. `missed_periods` of a downtime are billed
    by themselves, more only by a person.
    """

    name: str
    version: int
    grace: bool
    steps: tuple[PolicyStep, ...]
    missed_periods: int = 1


def _policy(
    name: str, version: int, steps: tuple[tuple[int, Action], ...], *, grace: bool
) -> Policy:
    return Policy(
        name, version, grace, tuple(PolicyStep(timedelta(days=d), act) for d, act in steps)
    )


# fmt: off
POLICIES: Final = (
    _policy("standard", 1, grace=True, steps=(
        (0,  "remind"),
        (1,  "retry"),
        (3,  "retry"),
        (3,  "remind"),
        (5,  "fallback"),
        (5,  "remind"),
        (7,  "end_grace"),
        (7,  "retry"),
        (10, "remind"),
        (14, "cancel"),
    )),
    _policy("gentle", 1, grace=True, steps=(
        (0,  "remind"),
        (2,  "retry"),
        (5,  "retry"),
        (7,  "fallback"),
        (7,  "remind"),
        (14, "retry"),
        (14, "end_grace"),
        (21, "remind"),
        (30, "pause"),
    )),
    _policy("strict", 1, grace=False, steps=(
        (0,  "remind"),
        (1,  "retry"),
        (3,  "fallback"),
        (3,  "remind"),
        (7,  "mark_unpaid"),
    )),
)
# fmt: on

_ALL: Final = {(policy.name, policy.version): policy for policy in POLICIES}
_CURRENT: Final = {policy.name: policy for policy in POLICIES}  # the last row of a name


def current(name: str) -> Policy:
    """Raises DunningPolicyUnknown."""
    if name not in _CURRENT:
        raise DunningPolicyUnknown(policies=sorted(_CURRENT))
    return _CURRENT[name]


def policy(name: str, version: int) -> Policy:
    return _ALL[name, version]
