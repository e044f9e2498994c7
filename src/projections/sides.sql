-- name: abandoned
select nspname::text
from pg_namespace
where starts_with(nspname, %(prefix)s)
    and substr(nspname, length(%(prefix)s) + 1) not in (select pid::text from pg_stat_activity)
