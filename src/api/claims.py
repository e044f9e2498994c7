"""Which due work a worker takes up: what has fallen due, what was due already when it was written,
and what is to be looked at again.

Work that waits for its next look stays due, and there may be very much of it, so nothing here ever
looks through all of it: due work is read once as time passes it and once more where the read model
has grown, and from then on its claim says when it is to be tried again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from ledger.clock import Clock, now
from ledger.crashpoint import crashpoint
from ledger.eventstore.connections import Readers
from projections import due_work
from projections.due_work import EVER, Mark
from projections.engine import sql

LEASE: Final = timedelta(seconds=30)
START_OVER: Final = timedelta(hours=1)  # claims may get lost, and then nobody would come back
CLOCKS_DIFFER: Final = timedelta(seconds=1)  # a machine's own clock is set back by less
PAGE: Final = 500  # pieces read at once; of most of them, others have been at work

# Each part is the first row of an index, or none: `order by` and `limit` keep the planner from
# reading a whole table that it takes for full of such rows.
LOOK: Final = """
select
    (select 1 from inbox where done_at is null and not_before <= %(now)s order by not_before limit 1) as notices,
    (select 1 from work_claims where not_before <= %(now)s order by not_before limit 1) as ripe,
    (select 1 from due_work where (due_at, position) > (%(due_at)s, %(position)s) and due_at <= %(now)s
        order by due_at, position limit 1) as fresh,
    (select 1 from due_work where position > %(seen)s and due_at <= %(due_at)s order by position limit 1) as late,
    coalesce((select notification_id from tracking where application_name = 'views'), 0) as reached
"""
# Claims grow from none to very many within a minute, so these three are planned each time: a plan that
# was made for few reads all of them.
#
# Without tries: another worker was quicker.
TAKE: Final = b"""
with wanted as (
    select d.stream, d.kind, d.subject, d.due_at
    from rows from (jsonb_to_recordset(%(work)s) as (stream text, kind text, subject text, due_at timestamptz))
            with ordinality as d (stream, kind, subject, due_at, place)
        left join work_claims c using (stream, kind, subject)
    where c.stream is null or c.not_before <= %(now)s or c.due_at <> d.due_at
    order by d.place limit %(limit)s
), taken as (
    insert into work_claims as c (stream, kind, subject, due_at, not_before, tries, at_work)
    select stream, kind, subject, due_at, %(until)s, 0, true from wanted
    on conflict (stream, kind, subject) do update set
        due_at = excluded.due_at,
        not_before = excluded.not_before,
        at_work = true,
        tries = case when c.due_at = excluded.due_at then c.tries else 0 end
    where c.not_before <= %(now)s or c.due_at <> excluded.due_at
    returning stream, kind, subject, tries + 1 as tries
)
select stream, kind, subject, tries from wanted left join taken using (stream, kind, subject)
"""
# Of what nobody has to do any more the claim goes; what has been put off is claimed when it is due.
TAKE_AGAIN: Final = b"""
with ripe as (
    select c.stream, c.kind, c.subject, d.due_at
    from (
        select * from work_claims where not_before <= %(now)s
        order by not_before limit %(limit)s for update skip locked
    ) as c
    left join due_work d using (stream, kind, subject)
), gone as (
    delete from work_claims c using ripe r
    where (c.stream, c.kind, c.subject) = (r.stream, r.kind, r.subject) and r.due_at is null
)
update work_claims c set
    due_at = r.due_at,
    not_before = case when r.due_at > %(now)s then r.due_at else %(until)s end,
    at_work = r.due_at <= %(now)s,
    tries = case when r.due_at <= %(now)s and c.due_at = r.due_at then c.tries else 0 end
from ripe r
where (c.stream, c.kind, c.subject) = (r.stream, r.kind, r.subject) and r.due_at is not null
returning c.stream, c.kind, c.subject, case when r.due_at > %(now)s then 0 else c.tries + 1 end as tries
"""
LATER: Final = b"""
update work_claims c set not_before = l.not_before, tries = c.tries + 1, at_work = false
from jsonb_to_recordset(%s) as l (stream text, kind text, subject text, not_before timestamptz)
where (c.stream, c.kind, c.subject) = (l.stream, l.kind, l.subject)
"""
# A claim without tries, so that it is looked at again; one for the same work stays as it is.
OFFER: Final = """
insert into work_claims as c (stream, kind, subject, due_at, not_before, tries)
select stream, kind, subject, due_at, %(now)s, 0 from due_work where stream = any(%(streams)s)
on conflict (stream, kind, subject) do update set not_before = excluded.not_before
where c.due_at <> excluded.due_at
"""

Rows = Sequence[dict[str, Any]]

BEGINNING: Final = Mark(datetime.min.replace(tzinfo=UTC), 0)


@dataclass(frozen=True, slots=True)
class Claimed:
    stream: str
    kind: str
    subject: str
    tries: int


class Found(NamedTuple):
    """By a look: are there notices to ask after, is there work to claim?"""

    notices: bool
    work: bool


class Claims:
    """Every piece of work due by `_mark` that the read model had at `_seen` was offered before."""

    def __init__(self, readers: Readers, clock: Clock = now) -> None:
        self._readers = readers
        self._now = clock
        self._mark = BEGINNING
        self._start_over_at: datetime | None = None
        self._seen = EVER
        self._reached = 0
        self._later: list[dict[str, Any]] = []

    async def look(self) -> Found:
        """One statement; with nothing to do, it is all there is to a round."""
        moment = self._now()
        if self._is_to_start_over(moment):
            self._mark, self._seen = BEGINNING, EVER  # what there is comes up as time passes it
            self._start_over_at = moment + START_OVER
        asked = {"now": moment, "seen": self._seen, **self._mark._asdict()}
        async with self._readers.connection() as conn:
            row = await (await conn.execute(LOOK, asked)).fetchone() or {}
        self._reached = row["reached"]
        self._seen = min(self._seen, self._reached)  # the read models may be made anew
        if not row["fresh"] and not row["late"]:
            self._mark, self._seen = Mark(moment, EVER), self._reached
        return Found(bool(row["notices"]), any(row[name] for name in ("ripe", "fresh", "late")))

    def _is_to_start_over(self, moment: datetime) -> bool:
        """Also when the clock has been set back: the mark is ahead, and nothing would fall due."""
        if self._start_over_at is None or moment >= self._start_over_at:
            return True
        return self._mark.due_at - moment > CLOCKS_DIFFER

    async def claim(self, limit: int) -> Sequence[Claimed]:
        """After a look. Half is for what comes up again, so that neither keeps the other waiting."""
        moment, half = self._now(), limit // 2
        asked = {"now": moment, "until": moment + LEASE, "limit": half}
        crashpoint("work.before_claim")
        async with self._readers.connection() as conn:
            again = await sql.fetch(conn, TAKE_AGAIN, asked, prepare=False)
            late = await due_work.late(conn, self._seen, self._mark.due_at, PAGE)
            due = await due_work.due(conn, self._mark, moment, PAGE)
            offered = {**asked, "work": sql.rows(_once([*late, *due]))}
            wanted = await sql.fetch(conn, TAKE, offered, prepare=False)
        crashpoint("work.after_claim")
        if len(wanted) < half:
            self._go_on(late, due, moment)
        return [Claimed(**row) for row in (*again, *wanted) if row["tries"]]

    def _go_on(self, late: Rows, due: Rows, moment: datetime) -> None:
        """Not further than the look saw the read model reach: more may have come in since."""
        self._seen = late[-1]["position"] if len(late) == PAGE else self._reached
        self._mark = due_work.mark(due[-1]) if len(due) == PAGE else Mark(moment, EVER)

    def later(self, work: Claimed, moment: datetime) -> None:
        """When to look at it again; written with that of other work, before the lease runs out."""
        key = {"stream": work.stream, "kind": work.kind, "subject": work.subject}
        self._later.append({**key, "not_before": moment})

    async def offer(self, streams: Sequence[str]) -> None:
        """Work that came into the read model behind what everybody has looked through."""
        asked = {"now": self._now(), "streams": list(streams)}
        async with self._readers.connection() as conn:
            await conn.execute(OFFER, asked)

    async def write_down(self) -> None:
        """What was said by `later`. If it gets lost, the lease says when."""
        if not self._later:
            return
        said, self._later = self._later, []
        crashpoint("work.before_write_down")
        async with self._readers.connection() as conn:
            await conn.execute(LATER, (sql.rows(_once(said)),), prepare=False)
        crashpoint("work.after_write_down")


def _once(rows: Rows) -> Rows:
    """Each piece once, though it may be late and due at the same time."""
    return list({(row["stream"], row["kind"], row["subject"]): row for row in rows}.values())
