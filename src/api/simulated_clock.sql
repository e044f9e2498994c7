-- The time by which all processes of this database live. Only where the database was made for it; see simulated_clock.py.
create table simulated_clock (
    only_one   boolean primary key default true check (only_one),
    ahead      interval not null default '0',  -- of the machine's time, while it runs
    frozen_at  timestamptz,                    -- where it stands still; null: it runs
    changed_by text not null default ''
);
insert into simulated_clock default values;
alter table simulated_clock owner to {owner};
grant select, update on simulated_clock to {app};
