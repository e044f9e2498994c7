-- name: take_turn
select pg_advisory_xact_lock(hashtextextended(%s, 0))

-- name: standing
select tablename::text from pg_tables where schemaname = %s and tablename = any(%s) order by tablename

-- name: readers
select distinct r.rolname::text
from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral aclexplode(c.relacl) as granted
    join pg_roles r on r.oid = granted.grantee
where n.nspname = %s and c.relname = %s and granted.privilege_type = 'SELECT' and granted.grantee <> c.relowner

-- name: who_holds
select distinct concat_ws(' ', nullif(a.application_name, ''), 'pid ' || a.pid)
from pg_locks l
    join pg_class c on c.oid = l.relation
    join pg_namespace n on n.oid = c.relnamespace
    join pg_stat_activity a on a.pid = l.pid
where l.granted and n.nspname = %s and c.relname = any(%s)
    and l.database = (select oid from pg_database where datname = current_database())
    and l.pid <> pg_backend_pid()
order by 1

-- name: views
select distinct vn.nspname::text, v.relname::text
from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.classid = 'pg_rewrite'::regclass
    join pg_rewrite r on r.oid = d.objid
    join pg_class v on v.oid = r.ev_class
    join pg_namespace vn on vn.oid = v.relnamespace
where n.nspname = %s and c.relname = any(%s) and v.oid <> c.oid
order by 1, 2
