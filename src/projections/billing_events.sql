-- name: create
create table billing_events (
    stream         text collate "C" not null,
    version        bigint not null,
    position       bigint not null,
    topic          text not null,
    occurred_at    timestamptz not null,
    recorded_at    timestamptz not null,
    actor          text not null,
    command_id     text not null,
    correlation_id text not null,
    event          jsonb not null,
    primary key (stream, version)
);

-- name: copy
copy billing_events (
    stream, version, position, topic, occurred_at, recorded_at, actor, command_id, correlation_id, event
) from stdin (format binary)

-- name: of
select stream, version, position, topic, occurred_at, recorded_at, actor, command_id, correlation_id, event
from billing_events
where stream = %s and version > %s
order by version
limit %s
