-- name: page
select notification_id, originator_id, originator_version, topic,
    case when topic = any(%s) then ''::bytea else state end, hash
from events
where notification_id > %s
order by notification_id
limit %s

-- name: head
select coalesce(max(notification_id), 0) from events

-- name: count
select count(*) from events where notification_id > %s and notification_id <= %s

-- name: missing
select min(n)
from generate_series(%s::bigint + 1, %s::bigint) as n
where not exists (select from events where notification_id = n)
