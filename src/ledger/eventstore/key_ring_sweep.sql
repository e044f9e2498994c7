-- What an erasure needs beyond destroying keys: to know which never were, and to leave nothing of them in the file.

-- False: a marker for a person who never had a key, so that none is made after the erasure.
alter table key_ring add column made boolean not null default true;

-- An overwritten key stays in the table's file, and a vacuum only lets others write over it. So the table is written
-- anew from its live rows, and the old file is dropped with this transaction. That waits for whoever reads the ring, and
-- keeps new readers waiting meanwhile (how long: docs/security.md).
create function sweep_key_ring() returns void
language sql security definer set search_path = {schema}, pg_temp as $$
    alter table key_ring alter column wrapped type bytea using wrapped || ''::bytea
$$;
alter function sweep_key_ring() owner to {owner};
revoke all on function sweep_key_ring() from public;
grant execute on function sweep_key_ring() to {app};
