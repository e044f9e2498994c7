-- name: head
select max(notification_id) from events

-- name: streams
select distinct originator_id from events where notification_id > %s and notification_id <= %s

-- name: recorded_at
select (convert_from(state, 'UTF8')::jsonb #>> '{m,recorded_at}')::timestamptz
from events
where notification_id = %s
