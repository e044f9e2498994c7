-- name: view
create or replace view {reporting}.method_success as
with outcomes as (
    select
        (p.created_at at time zone 'Asia/Jakarta')::date as created_on,
        a.method,
        case
            when a.attempt < p.attempts then 'followed'
            when p.status in (
                'authorised', 'captured', 'settled', 'partially_refunded', 'refunded', 'reversed', 'charged_back'
            ) then 'succeeded'
            when p.status in ('denied', 'failed', 'expired', 'cancelled') then p.status
            else 'open'
        end as outcome
    from attempt_methods a
        join payments p using (payment_id)
)
select
    created_on::date as created_on,
    method::text as method,
    count(*)::bigint as attempts,
    count(*) filter (where outcome = 'succeeded')::bigint as succeeded,
    count(*) filter (where outcome = 'denied')::bigint as denied,
    count(*) filter (where outcome = 'failed')::bigint as failed,
    count(*) filter (where outcome = 'expired')::bigint as expired,
    count(*) filter (where outcome = 'cancelled')::bigint as cancelled,
    count(*) filter (where outcome = 'followed')::bigint as followed,
    count(*) filter (where outcome = 'open')::bigint as open,
    round(
        count(*) filter (where outcome = 'succeeded')::numeric / nullif(count(*) filter (where outcome <> 'open'), 0), 4
    )::numeric(5,4) as success_rate,
    (select f.position from {reporting}.freshness f where f.read_group = 'views')::bigint as as_of_position
from outcomes
group by created_on, method

-- name: comments
comment on view {reporting}.method_success is
'How the attempts by each payment method ended: one row for every method and day on which payments were requested that tried it. Imported payments are not in it.';
comment on column {reporting}.method_success.created_on is
'day: When the payments were requested.';
comment on column {reporting}.method_success.method is
'word: The payment method.';
comment on column {reporting}.method_success.attempts is
'count: Attempts by it. It is the sum of the columns from `succeeded` to `open`.';
comment on column {reporting}.method_success.succeeded is
'count: The payer paid, or the amount is held; whatever came of the money later.';
comment on column {reporting}.method_success.denied is
'count: Refused by the bank or the gateway.';
comment on column {reporting}.method_success.failed is
'count: The gateway could not do it.';
comment on column {reporting}.method_success.expired is
'count: Nobody paid in time.';
comment on column {reporting}.method_success.cancelled is
'count: Cancelled, by us or the merchant.';
comment on column {reporting}.method_success.followed is
'count: Brought nothing, and another attempt followed.';
comment on column {reporting}.method_success.open is
'count: Not known yet.';
comment on column {reporting}.method_success.success_rate is
'part of one: `succeeded` of all that are not `open`, rounded half up; null when all are.';
comment on column {reporting}.method_success.as_of_position is
'position: Up to where in the log attempts are counted.';
