-- name: view
create or replace view {reporting}.bills as
select
    bill_id::text as bill_id,
    subscription_id::text as subscription_id,
    customer_id::text as customer_id,
    nullif(invoice_number, '')::text as invoice_number,
    number::bigint as number,
    period::bigint as period,
    reason::text as reason,
    status::text as status,
    plan_id::text as plan_id,
    product::text as product,
    nullif(coupon, '')::text as coupon,
    starts_at::timestamptz as starts_at,
    ends_at::timestamptz as ends_at,
    due_at::timestamptz as due_at,
    currency::text as currency,
    net_minor::bigint as net_minor,
    tax_minor::bigint as tax_minor,
    total_minor::bigint as total_minor,
    discount_minor::bigint as discount_minor,
    credit_minor::bigint as credit_minor,
    to_pay_minor::bigint as to_pay_minor,
    credited_minor::bigint as credited_minor,
    refunded_minor::bigint as refunded_minor,
    recognised_minor::bigint as recognised_minor,
    unearned_minor::bigint as unearned_minor,
    attempts::bigint as attempts,
    nullif(method, '')::text as method,
    nullif(failure, '')::text as failure,
    nullif(paid_by, '')::text as paid_by,
    paid_at::timestamptz as paid_at,
    created_at::timestamptz as created_at,
    (created_at at time zone 'Asia/Jakarta')::date as created_on,
    updated_at::timestamptz as updated_at,
    position::bigint as position,
    (select f.position from {reporting}.freshness f where f.read_group = 'views')::bigint as as_of_position
from bills

-- name: comments
comment on view {reporting}.bills is
'Every bill of a subscription as it stands: one row a bill.';
comment on column {reporting}.bills.bill_id is
'id: The bill.';
comment on column {reporting}.bills.subscription_id is
'id: The subscription that it is for.';
comment on column {reporting}.bills.customer_id is
'id: Who is to pay it.';
comment on column {reporting}.bills.invoice_number is
'id: The number of its invoice, where there is one.';
comment on column {reporting}.bills.number is
'count: The how manieth bill of the subscription, from 1.';
comment on column {reporting}.bills.period is
'count: The how manieth period of the subscription it is for.';
comment on column {reporting}.bills.reason is
'word: Why there is a bill: a new period, a change, or another reason of docs/subscriptions.md.';
comment on column {reporting}.bills.status is
'word: `open`, `paid`, `void` or `written_off`.';
comment on column {reporting}.bills.plan_id is
'id: The plan that was billed.';
comment on column {reporting}.bills.product is
'text: The product, as it stands in the names of accounts.';
comment on column {reporting}.bills.coupon is
'id: The coupon that counted, where one did.';
comment on column {reporting}.bills.starts_at is
'instant: When the service begins that it pays for.';
comment on column {reporting}.bills.ends_at is
'instant: When that ends; exclusive.';
comment on column {reporting}.bills.due_at is
'instant: Until when it is to be paid.';
comment on column {reporting}.bills.currency is
'ISO 4217: Of all amounts of the row.';
comment on column {reporting}.bills.net_minor is
'minor units: Without tax.';
comment on column {reporting}.bills.tax_minor is
'minor units: Output VAT.';
comment on column {reporting}.bills.total_minor is
'minor units: `net_minor` and `tax_minor` together.';
comment on column {reporting}.bills.discount_minor is
'minor units: What the coupon took off, as the plan prices; already off the total.';
comment on column {reporting}.bills.credit_minor is
'minor units: What of the total the customer''s credit pays; below zero: owed from before, and added.';
comment on column {reporting}.bills.to_pay_minor is
'minor units: `total_minor` less `credit_minor`.';
comment on column {reporting}.bills.credited_minor is
'minor units: What later changes gave back of it as credit.';
comment on column {reporting}.bills.refunded_minor is
'minor units: What was refunded of it.';
comment on column {reporting}.bills.recognised_minor is
'minor units: What of it is income in the books.';
comment on column {reporting}.bills.unearned_minor is
'minor units: What of it is deferred revenue in the books.';
comment on column {reporting}.bills.attempts is
'count: Payments that were asked for.';
comment on column {reporting}.bills.method is
'word: The payment method of the latest of these.';
comment on column {reporting}.bills.failure is
'word: Why the latest brought nothing.';
comment on column {reporting}.bills.paid_by is
'id: The payment that paid it; null when credit paid all of it, or nothing has.';
comment on column {reporting}.bills.paid_at is
'instant: When it was paid.';
comment on column {reporting}.bills.created_at is
'instant: When it was made.';
comment on column {reporting}.bills.created_on is
'day: The same as a day.';
comment on column {reporting}.bills.updated_at is
'instant: When its newest fact occurred.';
comment on column {reporting}.bills.position is
'position: Of the newest event of the bill.';
comment on column {reporting}.bills.as_of_position is
'position: Up to where in the log the row is true.';
