"""What a schedule is made of: each move is one of a finite table, so that to draw it costs one draw.

The first of each table is the simplest; what fails is shrunk towards it.
"""

from itertools import product
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from ledger.payments.life import Status
from support.below_process import PROCESSES
from support.gateway_faults import FAULTS
from support.memory_store import StoreFault

Mishap = tuple[str, Any] | None  # where, and what; None: nothing


class Wish(NamedTuple):
    """A payment as it is asked for."""

    requested_method: str
    expires_after_seconds: int | None = None
    capture: str = "at_once"
    fallback: tuple[str, ...] = ()


class Begin(NamedTuple):
    wish: Wish
    stage: str  # how far it came on a calm day, before all else begins


class Request(NamedTuple):
    wish: Wish
    at: int
    fault: Mishap


class Ask(NamedTuple):
    """`what` is a place in SENSIBLE, `part` thirds of the amount."""

    what: int
    which: int
    part: int | None
    at: int
    fault: Mishap


class Turn(NamedTuple):
    """Somebody goes on over some pauses, and then so many seconds pass."""

    who: int
    steps: int
    pause: int


class AllTurn(NamedTuple):
    steps: int
    pause: int


class Look(NamedTuple):
    """Of a worker."""

    at: int
    limit: int
    fault: Mishap


WISHES: Final = (
    Wish("gopay", 900),
    Wish("credit_card"),
    Wish("credit_card", capture="later"),
    Wish("permata_va", 3_600),
    Wish("gopay", 900, fallback=("shopeepay", "permata_va")),
    Wish("snap", 1_800),
)
# What is worth asking for of a payment that stands so; else a cancel.
SENSIBLE: Final = {
    Status.SETTLED: ("refund", "refund", "refund", "cancel"),
    Status.AUTHORISED: ("capture", "capture", "cancel"),
    Status.CAPTURED: ("cancel", "refund"),
}
STAGES: Final = ("asked", "answered", "paid", "paid")
STORE: Final = tuple(("store", fault) for fault in StoreFault)
MISHAPS: Final = (*FAULTS, *STORE)
PAUSES: Final = (0, 0, 0, 0, 0, 3, 11, 31, 121)
AT: Final = range(PROCESSES)


def _mishaps(*operations: str) -> tuple[Mishap, ...]:
    """As often none as any."""
    some = [mishap for mishap in MISHAPS if mishap[0] in operations]
    return (*(None,) * len(some), *some)


def _drawn(kind: Any, *choices: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([kind(*choice) for choice in product(*choices)])


choice = st.integers(0, 11)
process = st.sampled_from(AT)
begins = _drawn(Begin, WISHES, STAGES)
requests = _drawn(Request, WISHES, AT, _mishaps("charge", "store"))
asks = _drawn(
    *(Ask, range(4), range(2), (None, 1, 1, 2), AT),
    _mishaps("refund", "capture", "cancel", "store"),
)
turns = _drawn(Turn, range(8), range(1, 13), PAUSES)
all_turns = _drawn(AllTurn, (1, 2, 3, 4, 5, 8, 13, 100), PAUSES)
looks = _drawn(Look, AT, (1, 2, 3), _mishaps("charge", "inquiry", "store"))
mishaps = st.sampled_from(MISHAPS)
seconds = st.sampled_from((1, 3, 6, 16, 31, 61, 121, 1_000, 4_000, 90_000))
