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

-- name: index
create index payment_events_refunds on payment_events (occurred_at) where topic = 'payment.refund_requested.v1';

-- name: copy
copy payment_events (
    payment_id, version, position, topic, occurred_at, recorded_at, actor, command_id, correlation_id, event
) from stdin (format binary)

-- name: of
select payment_id, version, position, topic, occurred_at, recorded_at, actor, command_id, correlation_id, event
from payment_events
where payment_id = %(payment_id)s and version > %(after)s
    and (%(occurred_from)s::timestamptz is null or occurred_at >= %(occurred_from)s)
    and (%(occurred_to)s::timestamptz is null or occurred_at < %(occurred_to)s)
    and (%(recorded_from)s::timestamptz is null or recorded_at >= %(recorded_from)s)
    and (%(recorded_to)s::timestamptz is null or recorded_at < %(recorded_to)s)
order by version
limit %(limit)s
