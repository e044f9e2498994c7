-- name: recorded_at
select (convert_from(state, 'UTF8')::jsonb #>> '{m,recorded_at}')::timestamptz
from events
where notification_id = %s
