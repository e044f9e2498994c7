-- Whom a kept answer is about, by the subject under whose key it would be sealed, so that an erasure finds it.
alter table idempotency_answers add column subject text collate "C" not null default '';
create index idempotency_answers_subject on idempotency_answers (subject) where subject <> '';
