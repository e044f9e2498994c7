-- What the gateway answered to our own questions, as it came in. The log has the SHA-256 of each answer that a fact
-- rests on: losing this table costs evidence, and no fact.
create table gateway_answers (
    digest      text collate "C" primary key,  -- SHA-256 of the raw bytes, as in the log
    order_id    text collate "C" not null,
    sealed_body bytea not null,                -- the raw answer under the month's key
    received_at timestamptz not null
);
create index gateway_answers_age on gateway_answers (received_at);
create index gateway_answers_by_order on gateway_answers (order_id);
alter table gateway_answers owner to {owner};
grant select, insert, delete on gateway_answers to {app};
