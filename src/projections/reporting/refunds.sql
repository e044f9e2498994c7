-- name: view
create or replace view {reporting}.refunds as
with up_to as (
    select f.as_of_position as position from {reporting}.freshness f where f.read_group = 'views'
)
select
    (asked.event ->> 'refund_id')::text as refund_id,
    asked.payment_id::text as payment_id,
    nullif(p.customer_id, '')::text as customer_id,
    nullif(p.subscription_id, '')::text as subscription_id,
    p.method::text as method,
    case told.topic
        when 'payment.refund_requested.v1' then 'requested'
        when 'payment.refund_dispatched.v1' then 'dispatched'
        when 'payment.refund_outcome_unknown.v1' then 'unknown'
        when 'payment.refund_retry_scheduled.v1' then 'requested'
        when 'payment.refund_accepted.v1' then 'accepted'
        when 'payment.refund_confirmed.v1' then 'confirmed'
        when 'payment.refund_failed.v1' then 'failed'
    end::text as status,
    (coalesce((asked.event ->> 'late_attempt')::bigint, 0) <> 0)::boolean as is_of_late_money,
    (asked.event -> 'amount' ->> 'currency')::text as currency,
    (asked.event -> 'amount' ->> 'minor')::bigint as amount_minor,
    case when told.failed_at is null then coalesce(told.accepted, 0) else 0 end::bigint as accepted_minor,
    case
        when told.failed_at is null then coalesce(told.accepted - coalesce(told.unapplied, 0), 0) else 0
    end::bigint as of_payment_minor,
    coalesce(told.confirmed, 0)::bigint as confirmed_minor,
    coalesce(told.fee_returned, 0)::bigint as fee_returned_minor,
    coalesce(told.fee_tax_returned, 0)::bigint as fee_tax_returned_minor,
    told.failure::text as failure,
    asked.occurred_at::timestamptz as requested_at,
    (asked.occurred_at at time zone 'Asia/Jakarta')::date as requested_on,
    told.accepted_at::timestamptz as accepted_at,
    told.confirmed_at::timestamptz as confirmed_at,
    told.failed_at::timestamptz as failed_at,
    told.position::bigint as position,
    (select u.position from up_to u)::bigint as as_of_position
from payment_events asked
    join payments p using (payment_id)
    cross join lateral (
        select
            max(e.position) as position,
            (array_agg(e.topic order by e.position desc))[1] as topic,
            max(e.occurred_at) filter (where e.topic = 'payment.refund_accepted.v1') as accepted_at,
            max(e.occurred_at) filter (where e.topic = 'payment.refund_confirmed.v1') as confirmed_at,
            max(e.occurred_at) filter (where e.topic = 'payment.refund_failed.v1') as failed_at,
            max(e.event ->> 'code') filter (where e.topic = 'payment.refund_failed.v1') as failure,
            max((e.event -> 'amount' ->> 'minor')::bigint)
                filter (where e.topic = 'payment.refund_accepted.v1') as accepted,
            max((e.event -> 'from_unapplied' ->> 'minor')::bigint)
                filter (where e.topic = 'payment.refund_accepted.v1') as unapplied,
            max((e.event -> 'amount' ->> 'minor')::bigint)
                filter (where e.topic = 'payment.refund_confirmed.v1') as confirmed,
            max((e.event -> 'fee_returned' ->> 'minor')::bigint)
                filter (where e.topic = 'payment.refund_confirmed.v1') as fee_returned,
            max((e.event -> 'fee_tax_returned' ->> 'minor')::bigint)
                filter (where e.topic = 'payment.refund_confirmed.v1') as fee_tax_returned
        from payment_events e
        where e.payment_id = asked.payment_id
            and e.event ->> 'refund_id' = asked.event ->> 'refund_id'
            and e.position <= (select u.position from up_to u)
    ) told
where asked.topic = 'payment.refund_requested.v1'
    and asked.position <= (select u.position from up_to u)

-- name: comments
comment on view {reporting}.refunds is
'Every refund as it stands: one row a refund.';
comment on column {reporting}.refunds.refund_id is
'id: The refund.';
comment on column {reporting}.refunds.payment_id is
'id: The payment of which money goes back.';
comment on column {reporting}.refunds.customer_id is
'id: The customer of the payment, where one was named.';
comment on column {reporting}.refunds.subscription_id is
'id: The subscription of the payment, where there is one.';
comment on column {reporting}.refunds.method is
'word: The payment method by which it was paid.';
comment on column {reporting}.refunds.status is
'word: As in docs/payments.md.';
comment on column {reporting}.refunds.is_of_late_money is
'yes or no: Whether money goes back that came too late to belong to the payment.';
comment on column {reporting}.refunds.currency is
'ISO 4217: Of all amounts of the row.';
comment on column {reporting}.refunds.amount_minor is
'minor units: What was asked for.';
comment on column {reporting}.refunds.accepted_minor is
'minor units: What the gateway has accepted; 0 before, and again when it failed afterwards.';
comment on column {reporting}.refunds.of_payment_minor is
'minor units: What of that comes from the payment itself; 0 for late money. Its sum over the refunds of a payment is `payments.refunded_minor`.';
comment on column {reporting}.refunds.confirmed_minor is
'minor units: What the bank has confirmed.';
comment on column {reporting}.refunds.fee_returned_minor is
'minor units: The part of the gateway''s fee that came back, without tax.';
comment on column {reporting}.refunds.fee_tax_returned_minor is
'minor units: The tax on that part.';
comment on column {reporting}.refunds.failure is
'word: Why it failed; null while it has not.';
comment on column {reporting}.refunds.requested_at is
'instant: When it was asked for.';
comment on column {reporting}.refunds.requested_on is
'day: The same as a day.';
comment on column {reporting}.refunds.accepted_at is
'instant: When the gateway accepted it.';
comment on column {reporting}.refunds.confirmed_at is
'instant: When the bank confirmed it.';
comment on column {reporting}.refunds.failed_at is
'instant: When it failed.';
comment on column {reporting}.refunds.position is
'position: Of the newest event of the refund.';
comment on column {reporting}.refunds.as_of_position is
'position: Up to where in the log the row is true.';
