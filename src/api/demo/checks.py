"""What the demo claims, and how it was checked: one named row a claim. It succeeds only if every
row does.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    expected: str
    found: str
    passed: bool


class Checks:
    def __init__(self) -> None:
        self.rows: list[Check] = []

    def equal(self, name: str, expected: object, found: object) -> None:
        self.rows.append(Check(name, str(expected), str(found), expected == found))

    def none(self, name: str, found: Collection[object]) -> None:
        words = ", ".join(map(str, found))
        self.rows.append(Check(name, "none", words or "none", not found))

    def holds(self, name: str, expected: str, found: object, passed: bool) -> None:
        self.rows.append(Check(name, expected, str(found), passed))

    def fault(self, name: str, error: BaseException) -> None:
        self.rows.append(Check(name, "no fault", f"{type(error).__name__}: {error}", False))

    @property
    def failed(self) -> list[Check]:
        """Nothing checked is nothing shown: that fails too."""
        nothing = Check("something was checked", "at least one row", "none", False)
        return [row for row in self.rows or [nothing] if not row.passed]
