-- name: create
create table subscriptions (
    subscription_id text collate "C" primary key,
    customer_id     text collate "C" not null,
    status          text collate "C" not null,
    has_access      boolean not null,
    plan_id         text collate "C" not null,
    plan_version    bigint not null,
    plan_name       text not null,
    product         text not null,
    price_minor     bigint not null,          -- of one unit for one interval, as the plan prices
    currency        text not null,
    interval_unit   text not null,
    interval_count  bigint not null,
    quantity        bigint not null,
    coupon          text not null,            -- '' once it is used up
    method          text collate "C" not null,
    pulled          boolean not null,         -- from a saved method; else the payer has to act
    zone            text not null,
    periods         jsonb not null,           -- the newest ones: number, starts_at, ends_at
    paid_until      timestamptz,
    next_at         timestamptz,              -- when a worker looks at it again
    renews_at       timestamptz,              -- when the next period begins; null: none will
    renewal_minor   bigint,                   -- what it will cost, before credit
    trial_ends_at   timestamptz,
    cancel_at       timestamptz,
    resume_at       timestamptz,
    scheduled       jsonb,                    -- a change that is to come
    credit_minor    bigint not null,
    owed_minor      bigint not null,          -- on open bills
    missed          bigint not null,          -- periods that nobody has billed
    metadata        jsonb not null,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    first_position  bigint not null,
    position        bigint not null,          -- of its newest fact
    state           jsonb not null            -- as the ledger folds it; for the next batch only
);

-- name: index
create unique index subscriptions_newest on subscriptions (first_position);
create index subscriptions_status on subscriptions (status, first_position);
create index subscriptions_plan on subscriptions (plan_id, first_position);
create index subscriptions_customer on subscriptions (customer_id, first_position);
create index subscriptions_created_at on subscriptions (created_at);
create index subscriptions_renews_at on subscriptions (renews_at, subscription_id) where renews_at is not null;

-- name: load
select subscription_id, state::text, first_position, position from subscriptions where subscription_id = any(%s)

-- name: upsert
insert into subscriptions
select * from jsonb_populate_recordset(null::subscriptions, %s)
on conflict (subscription_id) do update set
    status         = excluded.status,
    has_access     = excluded.has_access,
    plan_id        = excluded.plan_id,
    plan_version   = excluded.plan_version,
    plan_name      = excluded.plan_name,
    product        = excluded.product,
    price_minor    = excluded.price_minor,
    currency       = excluded.currency,
    interval_unit  = excluded.interval_unit,
    interval_count = excluded.interval_count,
    quantity       = excluded.quantity,
    coupon         = excluded.coupon,
    method         = excluded.method,
    pulled         = excluded.pulled,
    periods        = excluded.periods,
    paid_until     = excluded.paid_until,
    next_at        = excluded.next_at,
    renews_at      = excluded.renews_at,
    renewal_minor  = excluded.renewal_minor,
    trial_ends_at  = excluded.trial_ends_at,
    cancel_at      = excluded.cancel_at,
    resume_at      = excluded.resume_at,
    scheduled      = excluded.scheduled,
    credit_minor   = excluded.credit_minor,
    owed_minor     = excluded.owed_minor,
    missed         = excluded.missed,
    updated_at     = excluded.updated_at,
    position       = excluded.position,
    state          = excluded.state

-- name: page
select subscription_id, customer_id, status, has_access, plan_id, plan_version, plan_name, product, price_minor,
    currency, interval_unit, interval_count, quantity, coupon, method, pulled, zone, periods, paid_until, next_at,
    renews_at, renewal_minor, trial_ends_at, cancel_at, resume_at, scheduled, credit_minor, owed_minor, missed,
    metadata, created_at, updated_at, first_position
from subscriptions
where (%(before)s::bigint is null or first_position < %(before)s)
    and (%(status)s::text is null or status = %(status)s)
    and (%(plan_id)s::text is null or plan_id = %(plan_id)s)
    and (%(customer_id)s::text is null or customer_id = %(customer_id)s)
    and (%(created_from)s::timestamptz is null or created_at >= %(created_from)s)
    and (%(created_to)s::timestamptz is null or created_at < %(created_to)s)
order by first_position desc
limit %(limit)s

-- name: renewals
select subscription_id, customer_id, status, plan_id, plan_name, product, currency, interval_unit, interval_count,
    quantity, method, pulled, renews_at, renewal_minor, credit_minor, owed_minor, scheduled
from subscriptions
where renews_at <= %(until)s
    and (%(at)s::timestamptz is null or (renews_at, subscription_id) > (%(at)s, %(subscription_id)s))
order by renews_at, subscription_id
limit %(limit)s
