"""Programs that are not ours add our journal up again, and come to our balances."""

import csv
import io
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Open, Transaction

from ledger.events import DomainEvent
from ledger.journal.accounts import AVAILABLE, OUTPUT_TAX, deferred
from ledger.journal.entry import credit, debit, entry
from projections import balances
from projections.auditing import LogBroken
from projections.exporting import export
from support.databases import copied
from support.log_rows import SCHEMA
from support.payment_facts import AT, rp
from support.payment_lives import interleaved
from support.read_side import ReadSide, open_read_side

PAYMENTS = 1_500
PLANS = ("pro", "Pro", "pro_monthly", "pro-monthly", "2027")  # each an account of its own
WORDS = ('Said "so"', "back\\slash", "two\nlines; and | more", "Rp99.000 — lunas")

Sums = dict[str, int]


def history() -> Iterator[tuple[str, list[DomainEvent]]]:
    """Thousands of entries of whole payments, and some with awkward names, words and days."""
    yield from ((stream, list(facts)) for stream, facts in interleaved(PAYMENTS, 14, seed=9))
    chance = random.Random(9)
    for number in range(2_000):
        plan, amount = chance.choice(PLANS), chance.randint(1, 10**12)
        tax = amount * 11 // 111
        legs = (
            debit(AVAILABLE, rp(amount)),
            credit(deferred(plan), rp(amount - tax)),
            credit(OUTPUT_TAX, rp(tax)),
        )
        occurred_at = AT - timedelta(days=chance.randint(0, 700))
        yield (
            f"pay_more{number}",
            [entry("P1", chance.choice(WORDS), legs, occurred_at=occurred_at)],
        )


@pytest.fixture(scope="module")
def read_side(server: str, template: str) -> Iterator[ReadSide]:
    with copied(server, template) as conninfo, open_read_side(conninfo) as opened:
        opened.log.copy_all(history())
        follower = opened.followers["money"]
        while follower.step(opened.connection):
            pass
        yield opened


def ours(read_side: ReadSide) -> Sums:
    cursor = read_side.connection.execute(balances.SQL["trial_balance"])
    assert {row[1] for row in cursor.fetchall()} == {"IDR"}
    rows = read_side.connection.execute(balances.SQL["trial_balance"]).fetchall()
    return {row[0]: row[2] for row in rows}


def entries(read_side: ReadSide) -> int:
    return int(read_side.one("select count(*) as n from entries")["n"])


def exported(read_side: ReadSide, form: str) -> str:
    pieces: list[bytes] = []
    export(read_side.conninfo, SCHEMA, pieces.append, format=form)
    return b"".join(pieces).decode()


def test_the_history_is_worth_the_trouble(read_side: ReadSide) -> None:
    assert entries(read_side) >= 4_000
    assert {deferred(plan) for plan in PLANS} < ours(read_side).keys()
    assert sum(ours(read_side).values()) == 0


def test_beancount_finds_no_error_and_our_balances(read_side: ReadSide) -> None:
    directives, errors, _ = loader.load_string(exported(read_side, "beancount"))
    opened = {one.account: one.meta["account"] for one in directives if isinstance(one, Open)}
    found: Counter[str] = Counter()
    transactions = [one for one in directives if isinstance(one, Transaction)]
    for one in transactions:
        for posting in one.postings:
            assert posting.units.currency == "IDR"
            found[opened[posting.account]] += int(posting.units.number)

    assert errors == []
    assert len(transactions) == entries(read_side)
    assert dict(found) == ours(read_side)


def test_a_transaction_tells_where_it_comes_from(read_side: ReadSide) -> None:
    directives, _, _ = loader.load_string(exported(read_side, "beancount"))
    rows = {row["entry_id"]: row for row in read_side.rows("select * from entries")}
    for one in directives:
        if isinstance(one, Transaction):
            row = rows.pop(one.meta["event"])
            assert (one.date, one.payee) == (row["effective_on"], row["rule"])
            assert int(one.meta["position"]) == row["position"]
            assert one.meta["occurred"] == row["occurred_at"].isoformat()
            assert one.meta["recorded"] == row["recorded_at"].isoformat()
            assert {row["stream"], row["entry_id"]} == one.links
            assert one.narration.split() == row["words"].split()

    assert rows == {}


@pytest.mark.skipif(
    shutil.which("hledger") is None, reason="hledger is not installed: apt-get install hledger"
)
def test_hledger_finds_no_error_and_our_balances(read_side: ReadSide, tmp_path: Path) -> None:
    file = tmp_path / "books.journal"
    file.write_text(exported(read_side, "hledger"), encoding="utf-8")

    def hledger(*words: str) -> str:
        command = ["hledger", "--file", str(file), *words]
        environment = {"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    hledger("check", "--strict")
    told = csv.reader(io.StringIO(hledger("balance", "--flat", "--empty", "-N", "-O", "csv")))
    found = {account: amount for account, amount in told if account != "account"}
    count = re.search(r"^Transactions\s*: (\d+)", hledger("stats"), re.MULTILINE)

    assert {account: int(amount.removesuffix(" IDR")) for account, amount in found.items()} == ours(
        read_side
    )
    assert count is not None and int(count[1]) == entries(read_side)


def test_an_entry_that_cannot_be_read_is_named(read_side: ReadSide) -> None:
    read_side.log.tamper("update events set state = 'no json' where originator_id = 'pay_more3'")

    with pytest.raises(LogBroken) as found:
        exported(read_side, "hledger")

    assert found.value.finding.stream == "pay_more3"
