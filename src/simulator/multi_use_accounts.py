"""A virtual account that can be paid again and again, with all that was paid to it."""

from dataclasses import dataclass, field

from simulator.transactions import Transaction


@dataclass(slots=True)
class MultiUse:
    parent: Transaction
    numbers: tuple[str, ...]
    children: list[Transaction] = field(default_factory=list)
    is_open: bool = True

    @property
    def newest_first(self) -> list[Transaction]:
        return [self.parent, *self.children][::-1]
