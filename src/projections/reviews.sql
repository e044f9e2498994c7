-- name: create
create table reviews (
    payment_id  text collate "C" not null,
    rule        text collate "C" not null,
    subject     text collate "C" not null,  -- number of the attempt or id of the refund
    words       text not null,
    asked_at    timestamptz not null,
    position    bigint not null,
    decision    text not null default '',   -- what a first person has answered
    proposed_by text not null default '',
    reason      text not null default '',
    primary key (payment_id, rule, subject)
);

-- name: ask
insert into reviews (payment_id, rule, subject, words, asked_at, position)
select payment_id, rule, subject, words, asked_at, position from jsonb_populate_recordset(null::reviews, %s)
on conflict (payment_id, rule, subject) do nothing

-- name: propose
update reviews r
set decision = said.decision, proposed_by = said.proposed_by, reason = said.reason
from jsonb_populate_recordset(null::reviews, %s) as said
where (r.payment_id, r.rule, r.subject) = (said.payment_id, said.rule, said.subject)

-- name: close
delete from reviews r using jsonb_populate_recordset(null::reviews, %s) as said
where (r.payment_id, r.rule, r.subject) = (said.payment_id, said.rule, said.subject)

-- name: open
select payment_id, rule, subject, words, asked_at, decision, proposed_by, reason
from reviews
order by position
limit %s
