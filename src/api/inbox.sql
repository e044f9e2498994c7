-- Notices as they came in. A notice is a reason to ask the gateway, never a fact: losing this table costs only time.
create table inbox (
    digest         text collate "C" primary key,  -- SHA-256 of the raw bytes: the same notice twice is one row
    order_id       text not null,
    transaction_id text not null,
    said           text not null,                 -- the gateway's status word, as evidence only
    sealed_body    bytea not null,                -- the raw notice under the month's key; purged with it
    received_at    timestamptz not null,
    not_before     timestamptz not null,
    tries          integer not null default 0,
    done_at        timestamptz,
    outcome        text not null default ''
);
create index inbox_open on inbox (not_before) where done_at is null;
create index inbox_age on inbox (received_at);
alter table inbox owner to {owner};
grant select, insert, update, delete on inbox to {app};
