-- What was answered to a request with an Idempotency-Key, so that a repeat gets the same bytes.
create table idempotency_answers (
    account     text collate "C" not null,
    key         text collate "C" not null,
    fingerprint bytea not null,
    status      integer not null,
    media_type  text not null,
    body        bytea not null,
    answered_at timestamptz not null,
    primary key (account, key)
);
create index idempotency_answers_age on idempotency_answers (answered_at);
alter table idempotency_answers owner to {owner};
grant select, insert, delete on idempotency_answers to {app};
