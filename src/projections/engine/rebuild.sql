-- name: one_at_a_time
select pg_advisory_xact_lock(hashtextextended('create ' || %s, 0))

-- name: has_schema
select 1 from pg_namespace where nspname = %s

-- name: has_table
select 1 from pg_tables where schemaname = %s and tablename = %s

-- name: temporary_schema
select nspname::text from pg_namespace where oid = pg_my_temp_schema()
