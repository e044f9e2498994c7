-- name: view
create or replace view {reporting}.subscriptions as
select
    subscription_id::text as subscription_id,
    customer_id::text as customer_id,
    status::text as status,
    has_access::boolean as has_access,
    plan_id::text as plan_id,
    plan_version::bigint as plan_version,
    plan_name::text as plan_name,
    product::text as product,
    quantity::bigint as quantity,
    currency::text as currency,
    price_minor::bigint as price_minor,
    interval_unit::text as interval_unit,
    interval_count::bigint as interval_count,
    nullif(coupon, '')::text as coupon,
    method::text as method,
    pulled::boolean as is_pulled,
    paid_until::timestamptz as paid_until,
    renews_at::timestamptz as renews_at,
    renewal_minor::bigint as renewal_minor,
    trial_ends_at::timestamptz as trial_ends_at,
    cancel_at::timestamptz as cancel_at,
    resume_at::timestamptz as resume_at,
    credit_minor::bigint as credit_minor,
    owed_minor::bigint as owed_minor,
    missed::bigint as missed_periods,
    created_at::timestamptz as created_at,
    (created_at at time zone 'Asia/Jakarta')::date as created_on,
    updated_at::timestamptz as updated_at,
    position::bigint as position,
    (select f.position from {reporting}.freshness f where f.read_group = 'views')::bigint as as_of_position
from subscriptions

-- name: comments
comment on view {reporting}.subscriptions is
'Every subscription as it stands: one row a subscription.';
comment on column {reporting}.subscriptions.subscription_id is
'id: The subscription.';
comment on column {reporting}.subscriptions.customer_id is
'id: Whose it is.';
comment on column {reporting}.subscriptions.status is
'word: As in docs/subscriptions.md.';
comment on column {reporting}.subscriptions.has_access is
'yes or no: Whether the customer may use what was sold.';
comment on column {reporting}.subscriptions.plan_id is
'id: The plan that it is on.';
comment on column {reporting}.subscriptions.plan_version is
'count: The version of the plan that it keeps, from 1.';
comment on column {reporting}.subscriptions.plan_name is
'text: What the plan is called.';
comment on column {reporting}.subscriptions.product is
'text: The product, as it stands in the names of accounts.';
comment on column {reporting}.subscriptions.quantity is
'count: Units.';
comment on column {reporting}.subscriptions.currency is
'ISO 4217: Of all amounts of the row.';
comment on column {reporting}.subscriptions.price_minor is
'minor units: Of one unit for one interval, as the plan prices (with tax or without).';
comment on column {reporting}.subscriptions.interval_unit is
'word: `day`, `week`, `month`, `quarter` or `year`.';
comment on column {reporting}.subscriptions.interval_count is
'count: So many of these are a period.';
comment on column {reporting}.subscriptions.coupon is
'id: The coupon that it still has; null without one, or once it is used up.';
comment on column {reporting}.subscriptions.method is
'word: How it is paid.';
comment on column {reporting}.subscriptions.is_pulled is
'yes or no: Whether a saved method is charged; otherwise the payer has to act.';
comment on column {reporting}.subscriptions.paid_until is
'instant: Up to when it is paid for.';
comment on column {reporting}.subscriptions.renews_at is
'instant: When the next period begins; null when none will.';
comment on column {reporting}.subscriptions.renewal_minor is
'minor units: What that period will cost, before credit.';
comment on column {reporting}.subscriptions.trial_ends_at is
'instant: When the trial ends or ended.';
comment on column {reporting}.subscriptions.cancel_at is
'instant: When it will end or has ended.';
comment on column {reporting}.subscriptions.resume_at is
'instant: When a pause will end.';
comment on column {reporting}.subscriptions.credit_minor is
'minor units: The customer''s credit for later bills.';
comment on column {reporting}.subscriptions.owed_minor is
'minor units: What is still to be paid on open bills.';
comment on column {reporting}.subscriptions.missed_periods is
'count: Periods that nobody has billed.';
comment on column {reporting}.subscriptions.created_at is
'instant: When it was sold.';
comment on column {reporting}.subscriptions.created_on is
'day: The same as a day.';
comment on column {reporting}.subscriptions.updated_at is
'instant: When its newest fact occurred.';
comment on column {reporting}.subscriptions.position is
'position: Of the newest event of the subscription.';
comment on column {reporting}.subscriptions.as_of_position is
'position: Up to where in the log the row is true.';
