-- name: before
select coalesce(sum(minor), 0)::bigint as minor
from recurring_movements
where currency = %(currency)s and month < %(month)s

-- name: kinds
select kind, sum(minor)::bigint as minor, count(*) as movements
from recurring_movements
where currency = %(currency)s and month = %(month)s
group by kind

-- name: movements
select subscription_id, moment, position, version, topic, kind, minor, level_minor, customer_id, plan_id
from recurring_movements
where month = %(month)s and currency = %(currency)s and kind = %(kind)s
    and (%(moment)s::timestamptz is null
        or (moment, position, subscription_id) > (%(moment)s, %(position)s, %(subscription_id)s))
order by moment, position, subscription_id
limit %(limit)s

-- name: rest
select coalesce(sum(minor), 0)::bigint as minor, count(*) as movements
from recurring_movements
where month = %(month)s and currency = %(currency)s and kind = %(kind)s
    and (%(moment)s::timestamptz is null
        or (moment, position, subscription_id) > (%(moment)s, %(position)s, %(subscription_id)s))
