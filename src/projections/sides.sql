-- name: abandoned
select nspname::text
from pg_namespace
where starts_with(nspname, %(prefix)s)
    and split_part(substr(nspname, length(%(prefix)s) + 1), '_', 1) not in (select pid::text from pg_stat_activity)

-- name: standing
select tablename::text from pg_tables where schemaname = %s order by tablename
