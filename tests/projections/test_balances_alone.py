"""The balances summed by PostgreSQL: the same bytes as from Python, and what is wrong with live ones."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.events import DomainEvent
from ledger.eventstore.upcasts import UPCASTS
from ledger.journal.events import EntryPosted, Leg
from ledger.money import Money
from projections import balances, sides
from projections.engine import connections
from projections.engine.digests import digest
from projections.engine.replay import Stop, replay
from projections.replay_words import of
from projections.replaying import verify_balances
from support.log_rows import SCHEMA, LogRows
from support.payment_lives import SETTLED, START, interleaved, lived
from support.read_side import ReadSide, open_read_side


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.fixture
def followed(read_side: ReadSide) -> ReadSide:
    read_side.log.copy_all(interleaved(payments=20, steps=8, seed=41))
    read_side.catch_up()
    return read_side


postings = st.tuples(
    st.sampled_from(["Assets:Bank", "Income:Sales", 'Expenses:"Ünlü"', "assets:bank", "Equity:\\"]),
    st.integers(-(10**15), 10**15),
    st.sampled_from(["IDR", "USD"]),
)


def entry(posted: Sequence[tuple[str, int, str]]) -> EntryPosted:
    """Whatever is posted, and what makes it even."""
    legs = [Leg(account=account, amount=Money(minor, unit)) for account, minor, unit in posted]
    rest: Counter[str] = Counter()
    for _, minor, unit in posted:
        rest[unit] -= minor
    legs += [Leg(account="Rest", amount=Money(minor, unit)) for unit, minor in rest.items()]
    return EntryPosted(
        rule="P1", words="any", effective_on=START.date(), legs=tuple(legs), occurred_at=START
    )


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    entries=st.lists(st.lists(postings, min_size=1, max_size=6).map(entry), max_size=12),
    seed=st.integers(1, 10**6),
    cuts=st.lists(st.integers(0, 80), max_size=4),
)
def test_postgresql_and_python_sum_to_the_same_bytes(
    read_side: ReadSide, entries: list[EntryPosted], seed: int, cuts: list[int]
) -> None:
    """Of any history up to any position, wherever the sums are cut."""
    appends: list[tuple[str, Sequence[DomainEvent]]] = [
        (f"jrn_{number}", [posted]) for number, posted in enumerate(entries)
    ]
    read_side.log.tamper("delete from events")
    end = LogRows(read_side.conninfo).copy_all([*interleaved(4, 6, seed), *appends])
    stops = sorted({0, *(cut for cut in cuts if cut < end), end - len(entries) // 2})

    assert summed_by_python(read_side, stops[-1]) == summed_by_postgresql(read_side, stops)


def summed_by_python(read_side: ReadSide, until: int) -> str:
    with (
        connections.connect(read_side.conninfo, SCHEMA) as source,
        sides.scratch(read_side.conninfo, SCHEMA, [balances]) as summed,
    ):
        replay(source, sides.into(summed), [Stop([balances], until)])
        return digest(summed[balances.NAME], "balances")


def summed_by_postgresql(read_side: ReadSide, stops: list[int]) -> str:
    with (
        connections.connect(read_side.conninfo, SCHEMA) as source,
        sides.scratch(read_side.conninfo, SCHEMA, [balances]) as summed,
    ):
        target = summed[balances.NAME].connection.cursor()
        for after, until in pairwise(stops):
            balances.fold(source.cursor(), after, until, target)
        return digest(summed[balances.NAME], "balances")


def test_entries_are_stored_as_postgresql_sums_them() -> None:
    """Whoever adds a second form of entries changes the sum, too."""
    assert EntryPosted.TOPIC == "journal.entry_posted.v1"
    assert not any(topic.startswith("journal.entry_posted.") for topic in UPCASTS)


def test_balances_alone_are_compared_and_shown(followed: ReadSide) -> None:
    report = verify_balances(followed.conninfo, SCHEMA)

    assert report.ok
    assert (report.events, report.totals, report.equal) == (
        followed.log.position,
        {"IDR": 0},
        {"balances": True},
    )
    assert report.balances == followed.rows("select * from balances order by account, currency")
    said = of(report)
    assert "trial balance   Rp0" in said
    assert "balances        equal" in said
    assert not any(line.startswith(("hash chain", "streams", "entries")) for line in said)


def test_a_changed_balance_is_found_at_its_row(followed: ReadSide) -> None:
    followed.connection.execute(
        "update balances set postings = postings + 1 where account = 'Assets:Gateway:Midtrans:Pending'"
    )

    finding = verify_balances(followed.conninfo, SCHEMA).finding

    assert finding is not None
    assert (finding.table, finding.key) == ("balances", ("Assets:Gateway:Midtrans:Pending", "IDR"))


def test_a_missing_event_is_found_by_summing(followed: ReadSide) -> None:
    followed.log.tamper("delete from events where notification_id = 20")

    finding = verify_balances(followed.conninfo, SCHEMA).finding

    assert finding is not None
    assert (finding.rule, finding.position) == ("positions", 20)


def test_an_entry_that_nobody_can_read_is_a_finding_and_not_a_traceback(followed: ReadSide) -> None:
    followed.log.tamper(
        "update events set state = 'no json' where topic = 'journal.entry_posted.v1'"
    )

    finding = verify_balances(followed.conninfo, SCHEMA).finding

    assert finding is not None
    assert finding.rule == "readable"
    assert "no json" not in finding.words


def test_balances_are_compared_where_the_live_ones_stand(
    followed: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "LIVE_MAY_LAG_SECONDS", 0.1)
    stood = followed.log.position
    followed.log.append("pay_new", lived("pay_new", *SETTLED))

    report = verify_balances(followed.conninfo, SCHEMA)

    assert (report.ok, report.events, report.behind) == (True, stood, {"money": stood})
