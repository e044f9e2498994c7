-- name: create
create table due_work (
    payment_id text collate "C" not null,
    kind       text collate "C" not null,
    subject    text collate "C" not null,  -- number of the attempt or id of the refund
    due_at     timestamptz not null,
    position   bigint not null,
    primary key (payment_id, kind, subject)
);

-- name: index
create index due_work_due_at on due_work (due_at, position);
create index due_work_position on due_work (position);

-- name: delete
delete from due_work d
using jsonb_to_recordset(%s) as done (payment_id text, kind text, subject text)
where d.payment_id = done.payment_id
    and d.kind = done.kind
    and (done.subject is null or d.subject = done.subject)

-- name: upsert
insert into due_work
select * from jsonb_populate_recordset(null::due_work, %s)
on conflict (payment_id, kind, subject) do update set
    due_at   = excluded.due_at,
    position = excluded.position

-- name: due
select payment_id, kind, subject, due_at, position
from due_work
where (due_at, position) > (%(due_at)s, %(position)s) and due_at <= %(now)s
order by due_at, position
limit %(limit)s

-- name: late
select payment_id, kind, subject, due_at, position
from due_work
where position > %(position)s and due_at <= %(due_at)s
order by position
limit %(limit)s
