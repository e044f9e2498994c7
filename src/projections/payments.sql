-- name: create
create table payments (
    payment_id             text collate "C" primary key,
    status                 text collate "C" not null,
    under_review           boolean not null,
    method                 text collate "C" not null,  -- of the latest attempt; '' before the first
    requested_method       text not null,
    amount_minor           bigint not null,
    currency               text not null,
    captured_minor         bigint not null,
    refunded_minor         bigint not null,  -- accepted by the gateway
    refund_confirmed_minor bigint not null,  -- of these, confirmed by the bank
    fee_minor              bigint,           -- null until settled
    net_minor              bigint,           -- null until settled
    customer_id            text collate "C" not null,
    subscription_id        text collate "C" not null,
    order_id               text not null,    -- of the latest attempt
    transaction_id         text not null,
    attempts               bigint not null,
    metadata               jsonb not null,
    expires_at             timestamptz,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    first_position         bigint not null,
    version                bigint not null,  -- of the stream, entries included
    position               bigint not null
);

-- name: index
create unique index payments_newest on payments (first_position);
create index payments_created_at on payments (created_at);
create index payments_status on payments (status, first_position);
create index payments_method on payments (method, first_position);
create index payments_customer on payments (customer_id, first_position) where customer_id <> '';
create index payments_subscription on payments (subscription_id, first_position) where subscription_id <> '';
create index payments_order_reference on payments ((metadata ->> 'orderId'), first_position) where metadata ? 'orderId';

-- name: load
select * from payments where payment_id = any(%s)

-- name: upsert
insert into payments
select * from jsonb_populate_recordset(null::payments, %s)
on conflict (payment_id) do update set
    status                 = excluded.status,
    under_review           = excluded.under_review,
    method                 = excluded.method,
    captured_minor         = excluded.captured_minor,
    refunded_minor         = excluded.refunded_minor,
    refund_confirmed_minor = excluded.refund_confirmed_minor,
    fee_minor              = excluded.fee_minor,
    net_minor              = excluded.net_minor,
    order_id               = excluded.order_id,
    transaction_id         = excluded.transaction_id,
    attempts               = excluded.attempts,
    expires_at             = excluded.expires_at,
    updated_at             = excluded.updated_at,
    version                = excluded.version,
    position               = excluded.position

-- name: page
select *
from payments
where (%(before)s::bigint is null or first_position < %(before)s)
    and (%(status)s::text is null or status = %(status)s)
    and (%(method)s::text is null or method = %(method)s)
    and (%(customer_id)s::text is null or (customer_id = %(customer_id)s and customer_id <> ''))
    and (%(subscription_id)s::text is null or (subscription_id = %(subscription_id)s and subscription_id <> ''))
    and (%(created_from)s::timestamptz is null or created_at >= %(created_from)s)
    and (%(created_to)s::timestamptz is null or created_at < %(created_to)s)
    and (%(order_reference)s::text is null
        or (metadata ->> 'orderId' = %(order_reference)s and metadata ? 'orderId'))
order by first_position desc
limit %(limit)s

-- name: in_state
select payment_id, method, created_at, first_position from payments
where status = %s and first_position > %s order by first_position limit %s
