-- name: create
create table payment_events (
    payment_id     text collate "C" not null,
    version        bigint not null,
    position       bigint not null,
    topic          text not null,
    occurred_at    timestamptz not null,
    recorded_at    timestamptz not null,
    actor          text not null,
    command_id     text not null,
    correlation_id text not null,
    event          jsonb not null,  -- personal data only as {"sealed": true}
    primary key (payment_id, version)
);

-- name: copy
copy payment_events (
    payment_id, version, position, topic, occurred_at, recorded_at, actor, command_id, correlation_id, event
) from stdin (format binary)

-- name: of
select payment_id, version, position, topic, occurred_at, recorded_at, actor, command_id, correlation_id, event
from payment_events
where payment_id = %s and version > %s
order by version
limit %s
