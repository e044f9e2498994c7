-- name: create
create table attempt_methods (
    payment_id text collate "C" not null,
    attempt    bigint not null,
    method     text collate "C" not null,
    answered   boolean not null,  -- the gateway has said something other than an error
    primary key (payment_id, attempt)
);
create table method_health (
    method text collate "C" not null,
    minute timestamptz not null,
    ok     bigint not null,
    failed bigint not null,
    primary key (method, minute)
);

-- name: index
create index method_health_minute on method_health (minute);

-- name: attempts
select payment_id, attempt, method, answered
from attempt_methods
where payment_id = any(%s)

-- name: upsert_attempts
insert into attempt_methods
select * from jsonb_populate_recordset(null::attempt_methods, %s)
on conflict (payment_id, attempt) do update set answered = excluded.answered

-- name: upsert_health
insert into method_health
select * from jsonb_populate_recordset(null::method_health, %s)
on conflict (method, minute) do update set
    ok     = method_health.ok + excluded.ok,
    failed = method_health.failed + excluded.failed

-- name: since
select method, sum(ok)::bigint, sum(failed)::bigint
from method_health
where minute > %(from)s and minute <= %(to)s
group by method
