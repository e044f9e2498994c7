-- How far each look at settled payments has come. Dropped, all of them are looked at once more.
create table second_looks (
    look       text primary key,
    through    bigint not null default 0,  -- position in the log where the last one begins that was looked at
    not_before timestamptz not null        -- also a lease: of workers, one is at a look
);
alter table second_looks owner to {owner};
grant select, insert, update, delete on second_looks to {app};
