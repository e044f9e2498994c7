-- name: create
create table entries (
    entry_id      text collate "C" primary key,  -- <stream>/<version>
    position      bigint not null,
    stream        text collate "C" not null,
    rule          text not null,
    words         text not null,
    effective_on  date not null,
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
    primary key (position, leg)  -- grows at one end, as the log does
);

-- name: index
create index legs_by_account on legs (account, position desc, leg desc);
create index entries_by_stream on entries (stream, position);

-- name: causes
select entry_id, cause_version from entries where entry_id = any(%s)

-- name: copy_entries
copy entries (
    entry_id, position, stream, rule, words, effective_on, recorded_at, cause_version, reverses
) from stdin (format binary)

-- name: copy_legs
copy legs (entry_id, leg, account, minor, currency, position) from stdin (format binary)

-- name: entries_of
select
    l.position, l.leg, l.entry_id, e.stream, l.account, l.minor, l.currency,
    e.rule, e.words, e.effective_on, e.recorded_at, e.cause_version, e.reverses
from legs l join entries e using (entry_id)
where l.account = %(account)s
    and (l.position, l.leg) < (%(position)s, %(leg)s)
order by l.position desc, l.leg desc
limit %(limit)s

-- name: entries_of_stream
select
    e.position, l.leg, e.entry_id, e.stream, l.account, l.minor, l.currency,
    e.rule, e.words, e.effective_on, e.recorded_at, e.cause_version, e.reverses
from entries e join legs l on l.position = e.position
where e.stream = %s
order by e.position, l.leg
