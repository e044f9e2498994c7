-- name: view
create or replace view {reporting}.entries as
select
    l.entry_id::text as entry_id,
    l.leg::bigint as leg,
    l.account::text as account,
    l.currency::text as currency,
    l.minor::bigint as amount_minor,
    greatest(l.minor, 0)::bigint as debit_minor,
    greatest(-l.minor, 0)::bigint as credit_minor,
    l.effective_on::date as effective_on,
    e.original_on::date as original_on,
    e.occurred_at::timestamptz as occurred_at,
    e.recorded_at::timestamptz as recorded_at,
    e.rule::text as rule,
    e.words::text as words,
    (case when starts_with(e.stream, 'pay_') then e.stream end)::text as payment_id,
    (case when starts_with(e.stream, 'bill_') then e.stream end)::text as bill_id,
    nullif(e.reverses, '')::text as reverses,
    e.stream::text as stream,
    nullif(e.cause_version, 0)::bigint as cause_version,
    l.position::bigint as position,
    (select f.as_of_position from {reporting}.freshness f where f.read_group = 'money')::bigint as as_of_position
from legs l
    join entries e on e.position = l.position
where l.position <= (select f.as_of_position from {reporting}.freshness f where f.read_group = 'money')

-- name: comments
comment on view {reporting}.entries is
'The journal: one row a posting. The postings of an entry come to zero in each currency.';
comment on column {reporting}.entries.entry_id is
'id: The entry: its stream and the version of its event there.';
comment on column {reporting}.entries.leg is
'count: The how manieth posting of the entry, from 1.';
comment on column {reporting}.entries.account is
'text: Where it is posted.';
comment on column {reporting}.entries.currency is
'ISO 4217: Of all amounts of the row.';
comment on column {reporting}.entries.amount_minor is
'minor units: Debit above zero, credit below.';
comment on column {reporting}.entries.debit_minor is
'minor units: The same when it is a debit, otherwise 0.';
comment on column {reporting}.entries.credit_minor is
'minor units: The same without its sign when it is a credit, otherwise 0.';
comment on column {reporting}.entries.effective_on is
'day: The day it counts for.';
comment on column {reporting}.entries.original_on is
'day: The day it would count for, where the books of that day were closed when it came.';
comment on column {reporting}.entries.occurred_at is
'instant: When what it is about happened in the world.';
comment on column {reporting}.entries.recorded_at is
'instant: When it was appended to the log.';
comment on column {reporting}.entries.rule is
'word: The posting rule that made it.';
comment on column {reporting}.entries.words is
'text: What it is, in English.';
comment on column {reporting}.entries.payment_id is
'id: The payment that it is about, if it is about one.';
comment on column {reporting}.entries.bill_id is
'id: The bill that it is about, if it is about one.';
comment on column {reporting}.entries.reverses is
'text: What it takes back, where it reverses another entry.';
comment on column {reporting}.entries.stream is
'id: The stream of the log that it stands in.';
comment on column {reporting}.entries.cause_version is
'count: The version, in that stream, of the fact that moved the money; null when the entry stands alone.';
comment on column {reporting}.entries.position is
'position: Of the entry''s event.';
comment on column {reporting}.entries.as_of_position is
'position: Up to where in the log entries are shown.';
