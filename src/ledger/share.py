"""What of an amount is revenue, and what is tax that is only passed on."""

import msgspec

from ledger.money import Money


class Share(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A gross amount split into revenue and output tax; `total` is the gross amount."""

    net: Money
    tax: Money

    @property
    def total(self) -> Money:
        return self.net + self.tax

    def __add__(self, other: "Share") -> "Share":
        return Share(net=self.net + other.net, tax=self.tax + other.tax)

    def __sub__(self, other: "Share") -> "Share":
        return Share(net=self.net - other.net, tax=self.tax - other.tax)

    def __neg__(self) -> "Share":
        return Share(net=-self.net, tax=-self.tax)
