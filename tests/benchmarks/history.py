"""A history of any length, in an empty database: the log by COPY BINARY with its chain, and the read
models by COPY of what they themselves made of one payment of each life.

A test proves a small one equal to what a replay makes of its log. Times are spread over a year,
ids sort by time, and the commands of payments that are in progress together lie between each
other's.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql as psql

from benchmarks.history_rows import Sums, Writers
from benchmarks.history_templates import BALANCES, HEALTH, TABLES, Template, learn
from benchmarks.stage import SCHEMA
from ledger.eventstore.chain import GENESIS, link
from ledger.eventstore.migrate import LogNames
from ledger.identity import derived_payment_id
from projections import GROUPS, READ_MODELS
from projections.engine import connections, rebuild
from projections.journal import BLOCK_BITS

OPENS: Final = datetime(2025, 11, 24, 0, 30, tzinfo=ZoneInfo("Asia/Jakarta"))
DAYS: Final = 365
OPEN_MINUTES: Final = 22 * 60  # of a day, so that what follows at once has the same business date
SECONDS: Final = 40  # of a minute, so that what follows at once is of the same minute
TOGETHER: Final = 100  # payments in progress at once: one of each share
PER_CUSTOMER: Final = 20
READ: Final = LogNames(SCHEMA).read_schema
INDEXES: Final = (
    "select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid"
    " where c.relnamespace = %s::regnamespace and not i.indisprimary"
    " and not exists (select from pg_constraint where conindid = i.indexrelid)"
)

BY_DAY: Final = (
    """
insert into daily_sums
select account, currency, effective_on, position >> %(bits)s, sum(greatest(minor, 0)),
    sum(greatest(-minor, 0)), count(*)
from legs group by 1, 2, 3, 4
""",
    """
insert into monthly_sums
select account, currency, date_trunc('month', effective_on::timestamp)::date, block, sum(debit_minor),
    sum(credit_minor), sum(postings)
from daily_sums group by 1, 2, 3, 4
""",
    """
insert into entry_blocks
select position >> %(bits)s, min(recorded_at), max(recorded_at) from entries group by 1
""",
)

Told = Callable[[int, int], None]  # events made, of how many
Pattern = Sequence[tuple[int, int]]  # payment of a window and version, in the order of the log


class History(NamedTuple):
    """How to name any part of what was made."""

    payments: int
    events: int

    def began(self, number: int) -> datetime:
        """No earlier than the one before; `SECONDS` of each minute are used."""
        parts = number * DAYS * OPEN_MINUTES * SECONDS // self.payments
        minutes, seconds = divmod(parts, SECONDS)
        days, minutes = divmod(minutes, OPEN_MINUTES)
        return OPENS + timedelta(days=days, minutes=minutes, seconds=seconds)

    def payment_id(self, number: int) -> str:
        return derived_payment_id(self.began(number), "history", str(number))

    def customer(self, number: int) -> str:
        return f"cus_{number * 7919 % max(1, self.payments // PER_CUSTOMER):08d}"

    def order(self, number: int) -> str:
        return f"order_{self.payment_id(number)[4:]}"


def build(conninfo: str, events: int, told: Told = lambda made, of: None) -> History:
    """About so many events, in a database that `prepare` laid out and nobody has used."""
    with (
        connections.connect(conninfo, SCHEMA) as target,
        psycopg.connect(conninfo, autocommit=True) as conn,
    ):
        rebuild.create(target, conninfo, SCHEMA, READ, GROUPS)
        window = _window(learn(target))
        size = sum(len(template.events) for template in window)
        payments = max(TOGETHER, events * TOGETHER // size // TOGETHER * TOGETHER)
        history = History(payments, payments * size // TOGETHER)
        conn.execute(f'set search_path = "{READ}", "{SCHEMA}"'.encode())
        for (index,) in conn.execute(INDEXES, [READ]).fetchall():
            conn.execute(
                psql.SQL("drop index {}").format(psql.Identifier(READ, index.split(".")[-1]))
            )
        _fill(conninfo, history, window, told)
        _finish(conn, target, history)
    return history


def _window(lives: Sequence[tuple[Template, int]]) -> Sequence[Template]:
    """The lives of a hundred payments in a row, every kind spread over them."""
    shares = [template for template, share in lives for _ in range(share)]
    if len(shares) != TOGETHER:
        raise ValueError(f"the shares are of {len(shares)}, not of {TOGETHER}")
    return [shares[number * 37 % TOGETHER] for number in range(TOGETHER)]


def _pattern(window: Sequence[Template]) -> Pattern:
    """First every payment's first command, then every second one, and so on."""
    commands = [_commands(number, template) for number, template in enumerate(window)]
    turns = zip_longest(*commands, fillvalue=())
    return [event for turn in turns for command in turn for event in command]


def _commands(number: int, template: Template) -> Iterator[Sequence[tuple[int, int]]]:
    command: list[tuple[int, int]] = []
    for version, event in enumerate(template.events, start=1):
        command.append((number, version))
        if event.command:
            yield command
            command = []


def _fill(conninfo: str, history: History, window: Sequence[Template], told: Told) -> None:
    pattern, sums = _pattern(window), Sums()
    places: list[dict[bytes, int]] = [{} for _ in window]
    for place, (number, version) in enumerate(pattern, start=1):
        places[number][b"p%d" % version] = place
    previous = GENESIS
    with Writers(conninfo, [*TABLES, BALANCES, HEALTH]) as writers:
        for first in range(0, history.payments, TOGETHER):
            after = first // TOGETHER * len(pattern)
            holes = [
                _holes(history, first + number, template, places[number], after)
                for number, template in enumerate(window)
            ]
            for place, (number, version) in enumerate(pattern, start=1):
                event, own = window[number].events[version - 1], holes[number]
                stream = "pay_" + own[b"tail"].decode()
                state = event.state % own
                previous = link(previous, after + place, stream, version, event.topic, state)
                command = event.command and event.command % own
                writers.event(stream, version, event.topic, state, after + place, previous, command)
            for template, own in zip(window, holes, strict=True):
                for table, rows in template.rows.items():
                    writers.rows(table, rows % own)
                sums.add(template, own)
            writers.flush()
            told(after + len(pattern), history.events)
        sums.write(writers)


def _holes(
    history: History, number: int, template: Template, places: dict[bytes, int], after: int
) -> dict[bytes, Any]:
    began = history.began(number)
    tail = history.payment_id(number)[4:].encode()
    holes: dict[bytes, Any] = {name: b"%d" % (after + place) for name, place in places.items()}
    holes[b"tail"] = tail
    holes[b"command"] = b"cmd_" + tail[:24]
    holes[b"customer"] = history.customer(number).encode()
    holes[b"began"] = began
    for name, write in template.times:
        holes[name] = write(began)
    return holes


def _finish(
    conn: psycopg.Connection[Any], target: psycopg.Connection[Any], history: History
) -> None:
    """Indexes, positions of the groups, and what autovacuum would have done since."""
    with target.cursor() as cursor:
        cursor.execute("set maintenance_work_mem = '512MB'")
        for statement in BY_DAY:
            cursor.execute(statement, {"bits": BLOCK_BITS})
        for model in READ_MODELS:
            rebuild.create_indexes(cursor, model)
    conn.execute(
        "update tracking set notification_id = %s where application_name = any(%s)",
        [history.events, list(GROUPS)],
    )
    conn.execute("vacuum (analyze)")
    conn.execute("checkpoint")
