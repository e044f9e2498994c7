-- name: view
create or replace view {reporting}.fees as
with up_to as (
    select f.as_of_position as position from {reporting}.freshness f where f.read_group = 'money'
),
charged as (
    select distinct position
    from legs
    where account in (
            'Expenses:Gateway:MDR', 'Expenses:Gateway:Fixed', 'Expenses:Gateway:Payout', 'Expenses:Chargeback:Fee'
        )
        and position <= (select u.position from up_to u)
)
select
    e.entry_id::text as entry_id,
    l.currency::text as currency,
    e.effective_on::date as effective_on,
    coalesce(sum(l.minor) filter (where l.account = 'Expenses:Gateway:MDR'), 0)::bigint as percentage_minor,
    coalesce(sum(l.minor) filter (where l.account = 'Expenses:Gateway:Fixed'), 0)::bigint as fixed_minor,
    coalesce(sum(l.minor) filter (where l.account = 'Expenses:Gateway:Payout'), 0)::bigint as payout_minor,
    coalesce(sum(l.minor) filter (where l.account = 'Expenses:Chargeback:Fee'), 0)::bigint as chargeback_minor,
    coalesce(sum(l.minor) filter (where l.account = 'Assets:Tax:PPN-Masukan'), 0)::bigint as tax_minor,
    coalesce(
        sum(l.minor) filter (where l.account in (
            'Expenses:Gateway:MDR', 'Expenses:Gateway:Fixed', 'Expenses:Gateway:Payout', 'Expenses:Chargeback:Fee',
            'Assets:Tax:PPN-Masukan'
        )), 0
    )::bigint as total_minor,
    e.occurred_at::timestamptz as occurred_at,
    e.recorded_at::timestamptz as recorded_at,
    e.rule::text as rule,
    e.words::text as words,
    (case when starts_with(e.stream, 'pay_') then e.stream end)::text as payment_id,
    e.position::bigint as position,
    (select u.position from up_to u)::bigint as as_of_position
from charged
    join entries e using (position)
    join legs l using (position)
group by e.entry_id, l.currency

-- name: comments
comment on view {reporting}.fees is
'What the gateway charged and gave back, from the journal: one row for every entry that touches a fee account, and currency.';
comment on column {reporting}.fees.entry_id is
'id: The entry.';
comment on column {reporting}.fees.currency is
'ISO 4217: Of all amounts of the row.';
comment on column {reporting}.fees.effective_on is
'day: The day it counts for.';
comment on column {reporting}.fees.percentage_minor is
'minor units: The percentage of the amount (MDR), without tax; below zero when it came back. The sum is the balance of `Expenses:Gateway:MDR`.';
comment on column {reporting}.fees.fixed_minor is
'minor units: The fixed fee of a transaction, without tax. The sum is the balance of `Expenses:Gateway:Fixed`.';
comment on column {reporting}.fees.payout_minor is
'minor units: The fee of a payout, without tax. The sum is the balance of `Expenses:Gateway:Payout`.';
comment on column {reporting}.fees.chargeback_minor is
'minor units: The fee of a chargeback, without tax. The sum is the balance of `Expenses:Chargeback:Fee`.';
comment on column {reporting}.fees.tax_minor is
'minor units: Input VAT on these.';
comment on column {reporting}.fees.total_minor is
'minor units: All of them together.';
comment on column {reporting}.fees.occurred_at is
'instant: When what it is about happened in the world.';
comment on column {reporting}.fees.recorded_at is
'instant: When it was appended to the log.';
comment on column {reporting}.fees.rule is
'word: The posting rule that made the entry.';
comment on column {reporting}.fees.words is
'text: What the entry is, in English.';
comment on column {reporting}.fees.payment_id is
'id: The payment that was charged for; its method is in `payments`.';
comment on column {reporting}.fees.position is
'position: Of the entry''s event.';
comment on column {reporting}.fees.as_of_position is
'position: Up to where in the log entries are shown.';
