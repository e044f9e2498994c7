-- name: of
with theirs as (
    select subscription_id, customer_id, status, has_access, plan_id, plan_version, plan_name, product, price_minor,
        currency, interval_unit, interval_count, quantity, coupon, method, pulled, zone, periods, paid_until, next_at,
        renews_at, renewal_minor, trial_ends_at, cancel_at, resume_at, scheduled, credit_minor, owed_minor, missed,
        metadata, created_at, updated_at, first_position
    from subscriptions
    where customer_id = %(customer_id)s
    order by first_position desc
    limit %(limit)s
),
billed as (
    select * from bills where customer_id = %(customer_id)s order by first_position desc limit %(limit)s
),
paid as (
    select *
    from payments
    where customer_id = %(customer_id)s and customer_id <> ''
    order by first_position desc
    limit %(limit)s
)
select
    (select coalesce(jsonb_agg(to_jsonb(theirs) order by first_position desc), '[]') from theirs) as subscriptions,
    (select coalesce(jsonb_agg(to_jsonb(billed) order by first_position desc), '[]') from billed) as bills,
    (select coalesce(jsonb_agg(to_jsonb(paid) order by first_position desc), '[]') from paid) as payments,
    s.*, b.*, p.*, r.*
from
    (select
        count(*) as subscription_count,
        coalesce(sum(credit_minor), 0)::bigint as credit_minor,
        coalesce(sum(owed_minor), 0)::bigint as owed_minor
    from subscriptions where customer_id = %(customer_id)s) s,
    (select count(*) as bill_count, coalesce(sum(unearned_minor), 0)::bigint as unearned_minor
    from bills where customer_id = %(customer_id)s) b,
    (select
        count(*) as payment_count,
        coalesce(sum(captured_minor), 0)::bigint as captured_minor,
        coalesce(sum(refunded_minor), 0)::bigint as refunded_minor
    from payments where customer_id = %(customer_id)s and customer_id <> '') p,
    (select
        coalesce(sum(case when ahead_at <= %(now)s then ahead_minor else level_minor end), 0)::bigint
            as recurring_minor
    from recurring_standing where customer_id = %(customer_id)s) r
