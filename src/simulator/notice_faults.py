"""Bending notices: lost, repeated, late, out of order, forged. Drawn by seed, order and number."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple, Self

from simulator import draws
from simulator.transactions import Fields, Status

# What a forger makes of each status. The signature covers neither (midtrans.md 10.3).
TOLD_AS: Final = {status: Status.SETTLEMENT for status in Status} | {
    Status.SETTLEMENT: Status.REFUND,
    Status.PARTIAL_REFUND: Status.REFUND,
    Status.REFUND: Status.SETTLEMENT,
}


class Sending(NamedTuple):
    kind: str  # true, repeat, forged_status, forged_fields, wrong_signature
    body: Fields
    lost: bool = False
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NoticeFaults:
    """Shares are from 0 to 1; ranges include both ends."""

    seed: int = 0
    lost: float = 0.0  # the notice never goes out, nor do its repeats
    repeat: tuple[int, int] = (1, 1)  # how often it goes out in all
    delay_seconds: tuple[float, float] = (0.0, 0.0)  # for each sending anew, so they overtake
    forged: float = 0.0  # beside it go two that were never told, with signatures that verify
    fields_shuffled: bool = False
    wrong_signature: float = 0.0  # beside it goes one whose signature is not ours

    @classmethod
    def read(cls, asked: Fields) -> Self:
        read = cls(**{name: _plain(value) for name, value in asked.items()})
        for name in ("lost", "forged", "wrong_signature"):
            if not 0 <= getattr(read, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1")
        for name, least in (("repeat", 1), ("delay_seconds", 0)):
            lowest, highest = getattr(read, name)
            if not least <= lowest <= highest:
                raise ValueError(f"{name} must be [lowest, highest], from {least}")
        return read

    def describe(self) -> Fields:
        return asdict(self)

    def sendings(self, order_id: str, nth: int, body: Fields) -> list[Sending]:
        """What goes out instead of the order's nth notice; always with the true one first."""
        facts = (self.seed, order_id, nth)
        lost = draws.fraction("lost", *facts) < self.lost
        times = draws.whole(*self.repeat, "repeat", *facts)
        planned = [Sending("true", body, lost)]
        if not lost:
            planned += [Sending("repeat", body)] * (times - 1)
        if draws.fraction("forged", *facts) < self.forged:
            planned += _forged(body, *facts)
        wrong = str(body.get("signature_key", ""))[::-1]
        if draws.fraction("wrong_signature", *facts) < self.wrong_signature:
            planned.append(Sending("wrong_signature", body | {"signature_key": wrong}))
        return list(self._bent(planned, facts))

    def _bent(self, planned: list[Sending], facts: tuple[int, str, int]) -> Iterator[Sending]:
        for copy, one in enumerate(planned):
            fields = list(one.body.items())
            if self.fields_shuffled:
                fields = draws.shuffled(fields, "fields", *facts, copy)
            delay = 0.0 if one.lost else draws.between(*self.delay_seconds, "delay", *facts, copy)
            yield one._replace(body=dict(fields), delay_seconds=delay)


def _forged(body: Fields, *facts: str | int) -> list[Sending]:
    if not {"order_id", "status_code", "gross_amount", "transaction_status"} <= body.keys():
        return []
    told = TOLD_AS[Status(body["transaction_status"])].value
    shifts = _shifted(body["order_id"], body["status_code"], body["gross_amount"])
    shift = shifts[draws.whole(0, len(shifts) - 1, "shift", *facts)]
    names = ("order_id", "status_code", "gross_amount")
    return [
        Sending("forged_status", body | {"transaction_status": told}),
        Sending("forged_fields", body | dict(zip(names, shift, strict=True))),
    ]


def _shifted(order_id: str, code: str, amount: str) -> tuple[tuple[str, str, str], ...]:
    """The signed text is joined without separators, so other boundaries have the same signature."""
    return (
        (order_id + code[0], code[1:], amount),
        (order_id[:-1], order_id[-1] + code, amount),
        (order_id, code + amount[0], amount[1:]),
        (order_id, code[:-1], code[-1] + amount),
    )


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
