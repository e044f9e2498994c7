-- One data key a person, wrapped by the master key, which the database never sees. Not part of the
-- log: destroying a row's key makes that person's sealed data unreadable, and the books still balance.

create table key_ring (
    subject      text collate "C" not null,
    version      integer not null check (version > 0),
    wrapped      bytea not null,
    destroyed_at timestamptz,
    primary key (subject, version),
    -- 12 bytes of nonce, 32 of key, 16 of tag; nothing once it is destroyed.
    check (octet_length(wrapped) = case when destroyed_at is null then 60 else 0 end)
) with (
    -- An overwritten key stays in the file as a dead row until it is vacuumed (reliability.md 0, item 10):
    -- so one dead row is enough for autovacuum.
    autovacuum_vacuum_threshold = 0,
    autovacuum_vacuum_scale_factor = 0
);
comment on table key_ring is 'Data keys by person, wrapped (AES-256-GCM, bound to subject and version).';

-- A destroyed key stays destroyed, and no key is replaced by another.
create function key_ring_only_destroys() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.destroyed_at is null and new.destroyed_at is not null
       and (new.subject, new.version) = (old.subject, old.version) then
        return new;
    end if;
    raise exception 'a data key is made, then destroyed, and nothing else' using errcode = 'insufficient_privilege';
end
$$;
create trigger key_ring_only_destroys before update or delete on key_ring
    for each row execute function key_ring_only_destroys();
create trigger key_ring_no_truncate before truncate on key_ring
    for each statement execute function key_ring_only_destroys();
alter table key_ring enable always trigger key_ring_only_destroys;
alter table key_ring enable always trigger key_ring_no_truncate;

alter table key_ring owner to {owner};
grant select, insert on key_ring to {app};
grant update (wrapped, destroyed_at) on key_ring to {app};
