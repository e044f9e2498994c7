-- name: recorded_at
select (convert_from(state, 'UTF8')::jsonb #>> '{m,recorded_at}')::timestamptz
from events
where notification_id = %s

-- name: abandoned
select nspname::text
from pg_namespace
where starts_with(nspname, %(prefix)s)
    and substr(nspname, length(%(prefix)s) + 1) not in (select pid::text from pg_stat_activity)
