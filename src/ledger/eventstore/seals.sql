-- Seals as they were signed, so that any worker can make the next one and every place outside can get those it lacks.
-- They speak for the log only where they are kept outside: whoever owns this database owns this table too.
create table seals (
    number   bigint primary key check (number > 0),  -- two workers never make the same one
    position bigint not null unique,
    seal     text collate "C" not null,              -- JSON, the same bytes as everywhere else
    edge     bytea not null,                         -- right edge of the tree over ranges, from which the next one grows
    made_at  timestamptz not null default clock_timestamp()
);
create trigger seals_append_only before update or delete on seals for each row execute function refuse_change();
create trigger seals_no_truncate before truncate on seals for each statement execute function refuse_change();
alter table seals enable always trigger seals_append_only;
alter table seals enable always trigger seals_no_truncate;

alter table seals owner to {owner};
grant select, insert on seals to {app};
grant select on seals to {projector}, {auditor};
