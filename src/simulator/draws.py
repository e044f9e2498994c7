"""Chance that depends on nothing but the facts: the same traffic meets the same faults each time."""

import json
from hashlib import sha256
from random import Random
from typing import TypeVar

T = TypeVar("T")


def fraction(*facts: str | int) -> float:
    """From 0 up to, but not, 1; evenly spread over different facts."""
    return (_digest(facts) >> 203) / 2**53  # 53 bits are what a float holds exactly


def whole(lowest: int, highest: int, *facts: str | int) -> int:
    return lowest + int(fraction(*facts) * (highest - lowest + 1))


def between(lowest: float, highest: float, *facts: str | int) -> float:
    return lowest + fraction(*facts) * (highest - lowest)


def shuffled(things: list[T], *facts: str | int) -> list[T]:
    return Random(_digest(facts)).sample(things, len(things))


def _digest(facts: tuple[str | int, ...]) -> int:
    return int.from_bytes(sha256(json.dumps(facts).encode()).digest(), "big")
