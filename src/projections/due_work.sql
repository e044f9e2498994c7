-- name: create
create table due_work (
    stream     text collate "C" not null,
    kind       text collate "C" not null,
    subject    text collate "C" not null,  -- what of the stream it is about, such as a refund's id
    due_at     timestamptz not null,
    position   bigint not null,
    primary key (stream, kind, subject)
);

-- name: index
create index due_work_due_at on due_work (due_at, position);
create index due_work_position on due_work (position);

-- name: delete
delete from due_work d
using jsonb_to_recordset(%s) as done (stream text, kind text, subject text)
where d.stream = done.stream
    and d.kind = done.kind
    and (done.subject is null or d.subject = done.subject)

-- name: upsert
insert into due_work
select * from jsonb_populate_recordset(null::due_work, %s)
on conflict (stream, kind, subject) do update set
    due_at   = excluded.due_at,
    position = excluded.position

-- name: due
select stream, kind, subject, due_at, position
from due_work
where (due_at, position) > (%(due_at)s, %(position)s) and due_at <= %(now)s
order by due_at, position
limit %(limit)s

-- name: late
select stream, kind, subject, due_at, position
from due_work
where position > %(position)s and due_at <= %(due_at)s
order by position
limit %(limit)s
