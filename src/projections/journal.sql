-- name: create
create table entries (
    entry_id      text collate "C" primary key,  -- <stream>/<version>
    position      bigint not null,
    stream        text collate "C" not null,
    rule          text not null,
    words         text not null,
    effective_on  date not null,  -- the day it counts for
    original_on   date,           -- the day that it names, where that was closed
    occurred_at   timestamptz not null,
    recorded_at   timestamptz not null,
    cause_version bigint not null,  -- of the fact in the same stream that moved the money; 0: the entry stands alone
    reverses      text not null
);
create table legs (
    entry_id text collate "C" not null,
    leg      integer not null,
    account  text collate "C" not null,
    minor    bigint not null,  -- debit positive, credit negative
    currency text not null,
    position bigint not null,
    effective_on date not null,  -- the entry's
    primary key (position, leg)  -- grows at one end, as the log does
);
-- What a block of positions brought to an account, by the day it is effective on. A block is position >> 14.
create table daily_sums (
    account      text collate "C" not null,
    currency     text collate "C" not null,
    effective_on date not null,
    block        bigint not null,
    debit_minor  bigint not null,
    credit_minor bigint not null,
    postings     bigint not null,
    primary key (account, currency, effective_on, block)
);
-- The same by month, so that whole months are not added up day by day.
create table monthly_sums (
    account      text collate "C" not null,
    currency     text collate "C" not null,
    month        date not null,  -- its first day
    block        bigint not null,
    debit_minor  bigint not null,
    credit_minor bigint not null,
    postings     bigint not null,
    primary key (account, currency, month, block)
);
create table closed_periods (
    period    text collate "C" primary key,
    until     date not null,
    closed_at timestamptz not null,
    closed_by text not null,
    reason    text not null,
    position  bigint not null
);
create table entry_blocks (
    block          bigint primary key,
    recorded_from  timestamptz not null,  -- the earliest of its entries
    recorded_until timestamptz not null   -- the latest
);

-- name: index
create index legs_by_account on legs (account, position desc, leg desc);
create index entries_by_stream on entries (stream, position);
create unique index entries_by_position on entries (position);

-- name: closed_until
select max(until) from closed_periods

-- name: add_period
insert into closed_periods values (%s, %s, %s, %s, %s, %s)

-- name: causes
select entry_id, cause_version from entries where entry_id = any(%s)

-- name: copy_entries
copy entries (
    entry_id, position, stream, rule, words, effective_on, original_on, occurred_at, recorded_at,
    cause_version, reverses
) from stdin (format binary)

-- name: copy_legs
copy legs (entry_id, leg, account, minor, currency, position, effective_on) from stdin (format binary)

-- name: add_sums
insert into daily_sums
select * from jsonb_populate_recordset(null::daily_sums, %s)
on conflict (account, currency, effective_on, block) do update set
    debit_minor  = daily_sums.debit_minor + excluded.debit_minor,
    credit_minor = daily_sums.credit_minor + excluded.credit_minor,
    postings     = daily_sums.postings + excluded.postings

-- name: add_months
insert into monthly_sums
select account, currency, month, block, sum(debit_minor), sum(credit_minor), sum(postings)
from (
    select *, effective_on - (extract(day from effective_on)::int - 1) as month
    from jsonb_populate_recordset(null::daily_sums, %s)
) as days
group by account, currency, month, block
on conflict (account, currency, month, block) do update set
    debit_minor  = monthly_sums.debit_minor + excluded.debit_minor,
    credit_minor = monthly_sums.credit_minor + excluded.credit_minor,
    postings     = monthly_sums.postings + excluded.postings

-- name: add_blocks
insert into entry_blocks
select * from jsonb_populate_recordset(null::entry_blocks, %s)
on conflict (block) do update set
    recorded_from  = least(entry_blocks.recorded_from, excluded.recorded_from),
    recorded_until = greatest(entry_blocks.recorded_until, excluded.recorded_until)

-- name: entries_of
select
    l.position, l.leg, l.entry_id, e.stream, l.account, l.minor, l.currency,
    e.rule, e.words, e.effective_on, e.original_on, e.occurred_at, e.recorded_at, e.cause_version, e.reverses
from legs l join entries e using (entry_id)
where l.account = %(account)s
    and (l.position, l.leg) < (%(position)s, %(leg)s)
    and l.position >= %(first)s
    and l.effective_on between %(effective_from)s and %(effective_to)s
    and e.recorded_at >= %(recorded_from)s and e.recorded_at < %(recorded_to)s
order by l.position desc, l.leg desc
limit %(limit)s

-- name: span
select greatest(days.low, blocks.low) << 14, (least(days.high, blocks.high) + 1) << 14
from (
    select min(block) as low, max(block) as high
    from daily_sums
    where account = %(account)s and effective_on between %(effective_from)s and %(effective_to)s
) as days cross join (
    select min(block) as low, max(block) as high
    from entry_blocks
    where recorded_until >= %(recorded_from)s and recorded_from < %(recorded_to)s
) as blocks

-- name: entries_of_stream
select
    e.position, l.leg, e.entry_id, e.stream, l.account, l.minor, l.currency,
    e.rule, e.words, e.effective_on, e.original_on, e.occurred_at, e.recorded_at, e.cause_version, e.reverses
from entries e join legs l on l.position = e.position
where e.stream = %s
order by e.position, l.leg
