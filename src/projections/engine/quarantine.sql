-- name: create
create table quarantine (
    read_group text collate "C" not null,
    position   bigint not null,
    stream     text collate "C" not null,
    version    bigint not null,  -- in the stream
    topic      text not null,
    outcome    text not null check (outcome in ('halted', 'parked')),
    error      text not null,  -- its class
    code       text not null,  -- ours, or PostgreSQL's
    detail     text not null,  -- one line, nothing of the event's payload
    since      timestamptz not null default now(),
    primary key (read_group, position)
);

-- name: add
insert into quarantine as q (read_group, position, stream, version, topic, outcome, error, code, detail)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (read_group, position) do update set
    outcome = excluded.outcome,
    error   = excluded.error,
    code    = excluded.code,
    detail  = excluded.detail
where q.outcome <> excluded.outcome
returning position

-- name: passed
delete from quarantine where read_group = %s and outcome = 'halted' and position <= %s

-- name: listed
select read_group, q.position, stream, version, topic, outcome, error, code, detail, since
from quarantine q join tracking on application_name = read_group
where outcome = 'parked' or q.position > notification_id
order by read_group, q.position
