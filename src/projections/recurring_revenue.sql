-- name: create
create table recurring_movements (
    subscription_id text collate "C" not null,
    moment          timestamptz not null,  -- when it takes effect
    position        bigint not null,       -- of the event behind it
    version         bigint not null,
    topic           text not null,
    month           date not null,         -- its first day; of the moment, in Jakarta
    kind            text collate "C" not null,
    minor           bigint not null,
    level_minor     bigint not null,       -- what the subscription counts for from then on
    currency        text not null,
    customer_id     text collate "C" not null,
    plan_id         text collate "C" not null,
    primary key (subscription_id, moment, position)
);
create table recurring_standing (
    subscription_id text collate "C" primary key,
    customer_id     text collate "C" not null,
    plan_id         text collate "C" not null,
    currency        text not null,
    counts          boolean not null,
    has_paid        boolean not null,
    price_minor     bigint,
    next_minor      bigint,
    next_at         timestamptz,
    level_minor     bigint not null,
    has_counted     boolean not null,
    ahead_minor     bigint,                -- the newest movement, when it is still to take effect
    ahead_at        timestamptz,
    ahead_position  bigint,
    moved_at        timestamptz
);

-- name: index
create index recurring_movements_month on recurring_movements (month, moment, position, subscription_id);
create index recurring_movements_customer on recurring_movements (customer_id, month) include (minor, currency);
create index recurring_standing_customer on recurring_standing (customer_id);

-- name: load
select * from recurring_standing where subscription_id = any(%s)

-- name: withdraw
delete from recurring_movements m
using jsonb_to_recordset(%s) as gone (subscription_id text, moment timestamptz, position bigint)
where (m.subscription_id, m.moment, m.position) = (gone.subscription_id, gone.moment, gone.position)

-- name: insert
insert into recurring_movements
select * from jsonb_populate_recordset(null::recurring_movements, %s)

-- name: upsert
insert into recurring_standing
select * from jsonb_populate_recordset(null::recurring_standing, %s)
on conflict (subscription_id) do update set
    plan_id        = excluded.plan_id,
    counts         = excluded.counts,
    has_paid       = excluded.has_paid,
    price_minor    = excluded.price_minor,
    next_minor     = excluded.next_minor,
    next_at        = excluded.next_at,
    level_minor    = excluded.level_minor,
    has_counted    = excluded.has_counted,
    ahead_minor    = excluded.ahead_minor,
    ahead_at       = excluded.ahead_at,
    ahead_position = excluded.ahead_position,
    moved_at       = excluded.moved_at

-- name: by_month
with of_customers as (
    select month, sum(minor) as minor, sum(sum(minor)) over (partition by customer_id order by month) as level
    from recurring_movements
    where currency = %(currency)s and month <= %(until)s
    group by customer_id, month
),
customers as (
    select
        month,
        count(*) filter (where level > 0 and level - minor = 0) as gained,
        count(*) filter (where level = 0 and level - minor > 0) as lost
    from of_customers
    group by month
),
kinds as (
    select
        month,
        coalesce(sum(minor) filter (where kind = 'new'), 0)::bigint as new_minor,
        coalesce(sum(minor) filter (where kind = 'expansion'), 0)::bigint as expansion_minor,
        coalesce(sum(minor) filter (where kind = 'contraction'), 0)::bigint as contraction_minor,
        coalesce(sum(minor) filter (where kind = 'churn'), 0)::bigint as churn_minor,
        coalesce(sum(minor) filter (where kind = 'reactivation'), 0)::bigint as reactivation_minor
    from recurring_movements
    where currency = %(currency)s and month <= %(until)s
    group by month
)
select * from kinds join customers using (month) order by month

-- name: movements
select subscription_id, moment, position, version, topic, kind, minor, level_minor, currency, customer_id, plan_id
from recurring_movements
where month = %(month)s
    and (%(kind)s::text is null or kind = %(kind)s)
    and (%(moment)s::timestamptz is null
        or (moment, position, subscription_id) > (%(moment)s, %(position)s, %(subscription_id)s))
order by moment, position, subscription_id
limit %(limit)s

-- name: standing_at_end
select *
from (
    select distinct on (subscription_id)
        subscription_id, moment, position, version, topic, kind, minor, level_minor, currency, customer_id, plan_id
    from recurring_movements
    where month <= %(month)s and subscription_id > %(after)s
    order by subscription_id, moment desc, position desc
) newest
where level_minor > 0
order by subscription_id
limit %(limit)s
