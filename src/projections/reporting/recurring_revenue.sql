-- name: view
create or replace view {reporting}.recurring_revenue as
with of_kinds as (
    select
        currency,
        month,
        sum(minor) as moved,
        sum(minor) filter (where kind = 'new') as new,
        sum(minor) filter (where kind = 'reactivation') as reactivation,
        sum(minor) filter (where kind = 'expansion') as expansion,
        sum(minor) filter (where kind = 'contraction') as contraction,
        sum(minor) filter (where kind = 'churn') as churn
    from recurring_movements
    group by currency, month
),
of_customers as (
    select currency, month, sum(minor) as minor,
        sum(sum(minor)) over (partition by currency, customer_id order by month) as level
    from recurring_movements
    group by currency, customer_id, month
),
customers as (
    select
        currency,
        month,
        count(*) filter (where level > 0 and level - minor = 0) as gained,
        count(*) filter (where level = 0 and level - minor > 0) as lost
    from of_customers
    group by currency, month
),
months as (
    select k.currency, generate_series(
        min(k.month)::timestamp,
        greatest(
            max(k.month)::timestamp,
            (select date_trunc('month', f.recorded_at at time zone 'Asia/Jakarta')
                from {reporting}.freshness f where f.read_group = 'views')
        ),
        interval '1 month'
    )::date as month
    from of_kinds k
    group by k.currency
),
figures as (
    select
        currency,
        month,
        k.*,
        sum(coalesce(k.moved, 0)) over so_far as recurring,
        coalesce(c.gained, 0) as gained,
        coalesce(c.lost, 0) as lost,
        sum(coalesce(c.gained - c.lost, 0)) over so_far as customers
    from months
        left join lateral (
            select o.moved, o.new, o.reactivation, o.expansion, o.contraction, o.churn
            from of_kinds o
            where o.currency = months.currency and o.month = months.month
        ) k on true
        left join customers c using (currency, month)
    window so_far as (partition by currency order by month)
)
select
    month::date as month,
    currency::text as currency,
    (recurring - coalesce(moved, 0))::bigint as at_beginning_minor,
    coalesce(new, 0)::bigint as new_minor,
    coalesce(reactivation, 0)::bigint as reactivation_minor,
    coalesce(expansion, 0)::bigint as expansion_minor,
    coalesce(contraction, 0)::bigint as contraction_minor,
    coalesce(churn, 0)::bigint as churn_minor,
    recurring::bigint as recurring_minor,
    (customers - gained + lost)::bigint as customers_at_beginning,
    gained::bigint as customers_gained,
    lost::bigint as customers_lost,
    customers::bigint as customers,
    round(recurring / nullif(customers, 0))::bigint as per_customer_minor,
    round(lost / nullif(customers - gained + lost, 0), 4)::numeric(12,4) as customer_churn,
    round(
        (-coalesce(contraction, 0) - coalesce(churn, 0)) / nullif(recurring - coalesce(moved, 0), 0), 4
    )::numeric(12,4) as revenue_churn,
    (select f.position from {reporting}.freshness f where f.read_group = 'views')::bigint as as_of_position
from figures

-- name: comments
comment on view {reporting}.recurring_revenue is
'Monthly recurring revenue: one row a month and currency, from the first movement to the month of `as_of_position`, or to that of the last movement which is known ahead. docs/subscriptions-reporting.md defines every figure. Amounts are without tax.';
comment on column {reporting}.recurring_revenue.month is
'month: In Jakarta.';
comment on column {reporting}.recurring_revenue.currency is
'ISO 4217: Of all amounts of the row.';
comment on column {reporting}.recurring_revenue.at_beginning_minor is
'minor units: `recurring_minor` of the month before.';
comment on column {reporting}.recurring_revenue.new_minor is
'minor units: Of subscriptions that count for the first time.';
comment on column {reporting}.recurring_revenue.reactivation_minor is
'minor units: Of those that counted before and do again.';
comment on column {reporting}.recurring_revenue.expansion_minor is
'minor units: What those that count came to count for more.';
comment on column {reporting}.recurring_revenue.contraction_minor is
'minor units: What they came to count for less; below zero.';
comment on column {reporting}.recurring_revenue.churn_minor is
'minor units: Of those that ceased to count; below zero.';
comment on column {reporting}.recurring_revenue.recurring_minor is
'minor units: MRR at the end of the month: `at_beginning_minor` and the five movements.';
comment on column {reporting}.recurring_revenue.customers_at_beginning is
'count: `customers` of the month before.';
comment on column {reporting}.recurring_revenue.customers_gained is
'count: Customers of whom nothing counted before the month, and something does at its end.';
comment on column {reporting}.recurring_revenue.customers_lost is
'count: The other way round.';
comment on column {reporting}.recurring_revenue.customers is
'count: Customers of whom anything counts at the end of the month.';
comment on column {reporting}.recurring_revenue.per_customer_minor is
'minor units: ARPU: `recurring_minor` by `customers`, rounded half up; null without customers.';
comment on column {reporting}.recurring_revenue.customer_churn is
'part of one: `customers_lost` of `customers_at_beginning`, rounded half up; null when there were none.';
comment on column {reporting}.recurring_revenue.revenue_churn is
'part of one: What contraction and churn took of `at_beginning_minor`, rounded half up; null when that is 0.';
comment on column {reporting}.recurring_revenue.as_of_position is
'position: Up to where in the log movements are known.';
