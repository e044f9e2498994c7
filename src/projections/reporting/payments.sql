-- name: view
create or replace view {reporting}.payments as
select
    payment_id::text as payment_id,
    (metadata ->> 'orderId')::text as merchant_order_id,
    nullif(customer_id, '')::text as customer_id,
    nullif(subscription_id, '')::text as subscription_id,
    status::text as status,
    under_review::boolean as is_under_review,
    nullif(method, '')::text as method,
    requested_method::text as requested_method,
    attempts::bigint as attempts,
    currency::text as currency,
    amount_minor::bigint as amount_minor,
    captured_minor::bigint as captured_minor,
    refunded_minor::bigint as refunded_minor,
    refund_confirmed_minor::bigint as refund_confirmed_minor,
    fee_minor::bigint as fee_minor,
    net_minor::bigint as net_minor,
    nullif(order_id, '')::text as gateway_order_id,
    nullif(transaction_id, '')::text as gateway_transaction_id,
    created_at::timestamptz as created_at,
    (created_at at time zone 'Asia/Jakarta')::date as created_on,
    updated_at::timestamptz as updated_at,
    expires_at::timestamptz as expires_at,
    position::bigint as position,
    (select f.position from {reporting}.freshness f where f.read_group = 'views')::bigint as as_of_position
from payments

-- name: comments
comment on view {reporting}.payments is
'Every payment as it stands: one row a payment.';
comment on column {reporting}.payments.payment_id is
'id: The payment.';
comment on column {reporting}.payments.merchant_order_id is
'id: The merchant''s own number of the order (`metadata.orderId`), where one was sent.';
comment on column {reporting}.payments.customer_id is
'id: The customer, where one was named.';
comment on column {reporting}.payments.subscription_id is
'id: The subscription that it pays for, where there is one.';
comment on column {reporting}.payments.status is
'word: As in docs/payments.md, or `partially_refunded` or `refunded`.';
comment on column {reporting}.payments.is_under_review is
'yes or no: Whether it is frozen until a person decides.';
comment on column {reporting}.payments.method is
'word: The payment method of the latest attempt; null before the first.';
comment on column {reporting}.payments.requested_method is
'word: The method or family of methods that was asked for.';
comment on column {reporting}.payments.attempts is
'count: Attempts that were begun, one after the other.';
comment on column {reporting}.payments.currency is
'ISO 4217: Of all amounts of the row.';
comment on column {reporting}.payments.amount_minor is
'minor units: What was asked for.';
comment on column {reporting}.payments.captured_minor is
'minor units: What the payer paid; 0 before, and again when it was cancelled or reversed.';
comment on column {reporting}.payments.refunded_minor is
'minor units: What the gateway has accepted to give back of it.';
comment on column {reporting}.payments.refund_confirmed_minor is
'minor units: What the bank has confirmed of that.';
comment on column {reporting}.payments.fee_minor is
'minor units: What the gateway kept, its tax included; null until settled.';
comment on column {reporting}.payments.net_minor is
'minor units: What the gateway owes us after its fee; null until settled.';
comment on column {reporting}.payments.gateway_order_id is
'id: The order of the latest attempt, as the gateway knows it.';
comment on column {reporting}.payments.gateway_transaction_id is
'id: What the gateway calls it.';
comment on column {reporting}.payments.created_at is
'instant: When it was requested.';
comment on column {reporting}.payments.created_on is
'day: The same as a day.';
comment on column {reporting}.payments.updated_at is
'instant: When its newest fact occurred.';
comment on column {reporting}.payments.expires_at is
'instant: Until when it can be paid; null where the method has no such limit.';
comment on column {reporting}.payments.position is
'position: Of the newest event of the payment.';
comment on column {reporting}.payments.as_of_position is
'position: Up to where in the log the row is true.';
