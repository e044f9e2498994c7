-- Who is at which due work, and when it may be tried again. It saves work; the right to act is won in the log.
create table work_claims (
    stream     text collate "C" not null,
    kind       text collate "C" not null,
    subject    text collate "C" not null,
    due_at     timestamptz not null,  -- of the work as it was claimed: newer work starts again at the first try
    not_before timestamptz not null,
    tries      integer not null,
    primary key (stream, kind, subject)
);
create index work_claims_not_before on work_claims (not_before);
alter table work_claims owner to {owner};
grant select, insert, update, delete on work_claims to {app};
