-- name: view
-- A block of daily_sums is position >> 14, as in journal.py: what is in the last one is added up here.
create or replace view {reporting}.balances as
with up_to as (
    select f.as_of_position as position from {reporting}.freshness f where f.read_group = 'money'
),
days as (
    select account, currency, effective_on,
        sum(debit_minor) as debit, sum(credit_minor) as credit, sum(postings) as postings
    from (
        select account, currency, effective_on, debit_minor, credit_minor, postings
        from daily_sums
        where block < (select u.position >> 14 from up_to u)
        union all
        select account, currency, effective_on, greatest(minor, 0), greatest(-minor, 0), 1
        from legs
        where position >= (select u.position >> 14 << 14 from up_to u)
            and position <= (select u.position from up_to u)
    ) as known
    group by account, currency, effective_on
)
select
    account::text as account,
    currency::text as currency,
    effective_on::date as effective_on,
    debit::bigint as debit_minor,
    credit::bigint as credit_minor,
    (debit - credit)::bigint as change_minor,
    (sum(debit - credit) over (partition by account, currency order by effective_on))::bigint as balance_minor,
    postings::bigint as postings,
    (select u.position from up_to u)::bigint as as_of_position
from days

-- name: comments
comment on view {reporting}.balances is
'What each account held at the end of each day: one row for every account, currency and day on which something was posted.';
comment on column {reporting}.balances.account is
'text: The account.';
comment on column {reporting}.balances.currency is
'ISO 4217: Of all amounts of the row.';
comment on column {reporting}.balances.effective_on is
'day: The day.';
comment on column {reporting}.balances.debit_minor is
'minor units: All debits of the day.';
comment on column {reporting}.balances.credit_minor is
'minor units: All credits of the day, without a sign.';
comment on column {reporting}.balances.change_minor is
'minor units: Debits less credits of the day.';
comment on column {reporting}.balances.balance_minor is
'minor units: What the account held at the end of the day; debit above zero, credit below.';
comment on column {reporting}.balances.postings is
'count: Postings of the day.';
comment on column {reporting}.balances.as_of_position is
'position: Up to where in the log entries count.';
