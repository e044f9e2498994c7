"""Over random histories: whatever an account holds is, to the last rupiah, the postings that its explanation
ends in, on every level and page, for any day and as known at any point; and a journal that lies is found out.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

import pytest
from msgspec.structs import replace

from ledger.events import DomainEvent
from ledger.journal.events import EntryPosted
from projections.explaining import accounts
from projections.explaining.tree import ExplanationBroken, Node
from projections.journal import BLOCK_BITS
from support.explained import NOTHING_KEPT, Connection, account_trees, of_kind
from support.payment_lives import SETTLED, START, Life, lived
from support.read_side import ReadSide, open_read_side

PENDING: Final = "Assets:Gateway:Midtrans:Pending"
AVAILABLE: Final = "Assets:Gateway:Midtrans:Available"
DAYS: Final = 75  # that payments begin on: parts of four months
FOR_EVER: Final = date.max

Appends = list[tuple[str, Sequence[DomainEvent]]]


class Posted(NamedTuple):
    """As it was written to the log: what an explanation has to come to."""

    account: str
    entry_id: str
    leg: int
    minor: int
    effective_on: date
    position: int


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def history(payments: int, steps: int, chance: random.Random) -> Appends:
    """Payments that begin on some day and live for a while, and now and then another is known late."""
    lives = [
        Life(
            f"pay_{n:06}", chance, began=START + timedelta(days=chance.uniform(-DAYS / 2, DAYS / 2))
        )
        for n in range(payments)
    ]
    appends = [(life.now, life.payment_id, facts) for life in lives for facts in life.walk(steps)]
    return [(stream, facts) for _, stream, facts in sorted(appends, key=lambda one: one[:2])]


def posted(appends: Appends) -> list[Posted]:
    found, versions, position = [], Counter[str](), 0
    for stream, facts in appends:
        for fact in facts:
            position += 1
            versions[stream] += 1
            for leg, side in enumerate(fact.legs if isinstance(fact, EntryPosted) else (), start=1):
                entry_id = f"{stream}/{versions[stream]}"
                own = (entry_id, leg, side.amount.minor, fact.effective_on, position)
                found.append(Posted(side.account, *own))
    return found


def ends(appends: Appends) -> list[int]:
    """Positions of the last event of each append: what is together was known together."""
    found = [0]
    for _, facts in appends:
        found.append(found[-1] + len(facts))
    return found[1:]


def asked(account: str, known_at: int, size: int, on: date | None = None) -> accounts.Question:
    return accounts.Question(
        account=account, currency="IDR", known_at=known_at, effective_on=on, size=size
    )


async def accounts_tree(conn: Connection, question: accounts.Question) -> Node:
    return accounts.tree(question, await accounts.read(conn, question), NOTHING_KEPT)


async def explained(
    read_side: ReadSide, question: accounts.Question
) -> tuple[int, Counter[tuple[str, int, int]], Counter[str]]:
    """The number, every posting that it ends in, and the kinds of part that led there."""
    leaves, kinds = Counter[tuple[str, int, int]](), Counter[str]()
    async with read_side.asking() as conn:
        trees = [tree async for tree in account_trees(conn, question)]
    for tree in trees:
        kinds.update(part.kind for part in tree.parts)
        for node in of_kind(tree, "posting"):
            if node.posting and node.posting.account == question.account:
                leaves[node.posting.entry_id, node.posting.leg, node.amount or 0] += 1
    return trees[0].amount or 0, leaves, kinds


def expected(
    all_of_them: list[Posted], question: accounts.Question
) -> tuple[int, Counter[tuple[str, int, int]]]:
    until = question.effective_on or FOR_EVER
    own = [
        one
        for one in all_of_them
        if one.account == question.account
        and one.position <= question.known_at
        and one.effective_on <= until
    ]
    return sum(one.minor for one in own), Counter((one.entry_id, one.leg, one.minor) for one in own)


@pytest.mark.parametrize("seed", range(3))
async def test_the_leaves_come_to_the_balance(read_side: ReadSide, seed: int) -> None:
    chance = random.Random(seed)
    appends = history(payments=45, steps=14, chance=chance)
    read_side.log.copy_all(appends)
    read_side.catch_up(chance.choice([1, 7, 5_000]))
    everything, points = posted(appends), ends(appends)
    names = sorted({one.account for one in everything})
    seen: Counter[str] = Counter()

    for number in range(25):
        known_at = points[-1] if number % 3 else chance.choice(points)
        on = START.date() + timedelta(days=chance.randint(-DAYS // 2, DAYS // 2 + 2))
        question = asked(
            chance.choice(names), known_at, chance.choice([1, 3, 20]), None if number % 2 else on
        )
        minor, leaves, kinds = await explained(read_side, question)
        assert (minor, leaves) == expected(everything, question), question
        seen += kinds

    assert {"month", "day", "posting", "rest"} <= set(seen)


async def test_so_they_do_where_whole_blocks_of_positions_lie_behind(read_side: ReadSide) -> None:
    chance = random.Random(7)
    appends = history(payments=1_900, steps=14, chance=chance)
    read_side.log.copy_all(appends)
    read_side.catch_up()
    everything, points = posted(appends), ends(appends)
    assert points[-1] >> BLOCK_BITS >= 1
    rare = min(Counter(one.account for one in everything).items(), key=lambda found: found[1])[0]

    for name, known_at in ((rare, points[-1]), (PENDING, points[-1]), (PENDING, points[-900])):
        question = asked(name, known_at, 100)
        async with read_side.asking() as conn:
            months = await accounts_tree(conn, question)
        assert (months.amount, months.count) == (
            (found := expected(everything, question))[0],
            found[1].total(),
        )
    # In pages over all days and blocks, and over those of one day.
    times = Counter(one.account for one in everything)
    some = min((name for name in times if times[name] > 500), key=lambda name: times[name])
    question = replace(asked(some, points[-1], 100), after=(points[-1] + 1, 0))
    minor, leaves, kinds = await explained(read_side, question)
    assert (minor, leaves) == expected(everything, question)
    assert kinds["rest"] >= 5
    day = START.date() + timedelta(days=3)
    of_a_day = accounts.Question(
        account=PENDING, currency="IDR", known_at=points[-1], day=day, size=15
    )
    minor, leaves, kinds = await explained(read_side, of_a_day)
    own = [one for one in everything if one.account == PENDING and one.effective_on == day]
    assert leaves == Counter((one.entry_id, one.leg, one.minor) for one in own)
    assert minor == sum(one.minor for one in own)
    assert kinds["rest"] >= 1

    october = replace(asked(PENDING, points[-1], 50), month=date(2026, 10, 1))
    for lie, told_of in LIES_IN_SUMS.items():
        read_side.connection.execute(lie.encode())
        async with read_side.asking() as conn:
            with pytest.raises(ExplanationBroken):
                await accounts_tree(
                    conn, october if told_of == "month" else replace(october, month=None)
                )


LIES_IN_SUMS: Final = {
    "update daily_sums set debit_minor = debit_minor + 1 where effective_on = '2026-10-09'": "month",
    "update monthly_sums set credit_minor = credit_minor + 1 where month = '2026-10-01'": "balance",
}


async def test_a_posting_leads_to_its_fact_its_command_and_what_the_gateway_said(
    read_side: ReadSide,
) -> None:
    (*_, settled, entry) = read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.catch_up()
    question = asked(AVAILABLE, read_side.log.position, 20)

    async with read_side.asking() as conn:
        tree = await accounts_tree(conn, question)

    (posting,) = tree.parts
    (event,) = posting.parts
    (command,) = event.parts
    assert posting.posting and posting.posting.entry_id == f"pay_1/{entry.version}"
    assert event.fact and (event.fact.topic, event.fact.version) == (
        "payment.settled.v1",
        settled.version,
    )
    assert event.fact.event["net"] == {"minor": tree.amount, "currency": "IDR"}
    assert command.command and command.command.command_id == settled.metadata.command_id
    assert [part.kind for part in command.parts] == ["answer", *["beside"] * 7]
    assert (
        command.parts[0].answer and command.parts[0].answer.digest == settled.event.evidence.digest
    )


@pytest.mark.parametrize(
    "lie",
    [
        "update legs set minor = minor + 1 where account like 'Income:%'",
        "update legs set account = 'Income:Sales:Other' where account like 'Income:Sales:%'",
        "delete from legs where account like 'Income:%'",
        "update balances set postings = postings + 1 where account like 'Income:%'",
        "update entries set cause_version = cause_version - 40",
        "update legs set leg = leg + 40 where account like 'Income:%'",
    ],
)
async def test_a_journal_that_lies_is_not_explained_away(read_side: ReadSide, lie: str) -> None:
    chance = random.Random(5)
    appends = history(payments=8, steps=14, chance=chance)
    read_side.log.copy_all(appends)
    read_side.catch_up()
    income = next(one.account for one in posted(appends) if one.account.startswith("Income:Sales"))
    question = asked(income, read_side.log.position, 3)
    async with read_side.asking() as conn:
        before = [tree async for tree in account_trees(conn, question)]
        assert len(before) > 1

        read_side.connection.execute(lie.encode())

        with pytest.raises(ExplanationBroken) as broken:
            async for _ in account_trees(conn, question):
                pass
    assert broken.value.code == "explanation_broken"
    assert broken.value.context
