-- name: owing
select
    array(
        select subscription_id from subscriptions
        where customer_id = %(customer_id)s and not status = any(%(ended)s)
        order by first_position limit %(most)s
    ) as subscriptions,
    array(
        select bill_id from bills
        where customer_id = %(customer_id)s and status = %(open)s
        order by first_position limit %(most)s
    ) as bills,
    array(
        select payment_id from payments
        where ((customer_id = %(customer_id)s and customer_id <> '') or payment_id = any(%(payments)s))
            and (status = any(%(live)s) or under_review)
        order by first_position limit %(most)s
    ) as payments

-- name: standing
select
    coalesce((select notification_id from events order by notification_id desc limit 1), 0) as log_position,
    coalesce(newest.number, 0) as seal,
    coalesce(newest.position, 0) as seal_position
from (select) as one
    left join lateral (select number, position from seals order by number desc limit 1) as newest on true

-- name: payments
select *
from payments
where (customer_id = %(customer_id)s and customer_id <> '') or payment_id = any(%(payments)s)
order by first_position

-- name: subscriptions
select * from subscriptions where customer_id = %(customer_id)s order by first_position

-- name: bills
select * from bills where customer_id = %(customer_id)s order by first_position

-- name: happened
select payment_id as stream, version, position, topic, occurred_at, recorded_at
from payment_events where payment_id = any(%(streams)s)
union all
select stream, version, position, topic, occurred_at, recorded_at
from billing_events where stream = any(%(streams)s)
order by position
