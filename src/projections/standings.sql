-- A block of daily_sums is position >> 14, as in journal.py.

-- name: first_recorded_after
select position
from entries
where position >= (
        select block << 14 from entry_blocks where recorded_until > %(moment)s order by block limit 1
    )
    and recorded_at > %(moment)s
order by position
limit 1

-- name: of_account
select account, currency,
    (sum(debit_minor) - sum(credit_minor))::bigint as balance_minor,
    sum(debit_minor)::bigint as debit_minor, sum(credit_minor)::bigint as credit_minor,
    sum(postings)::bigint as postings
from (
    select account, currency, debit_minor, credit_minor, postings
    from daily_sums
    where account = %(account)s and effective_on >= %(month)s and effective_on <= %(effective_on)s
        and block < %(position)s >> 14
    union all
    select account, currency, debit_minor, credit_minor, postings
    from monthly_sums
    where account = %(account)s and month < %(month)s and block < %(position)s >> 14
    union all
    select account, currency, greatest(minor, 0), greatest(-minor, 0), 1
    from legs
    where account = %(account)s and effective_on <= %(effective_on)s
        and position >= %(position)s >> 14 << 14 and position <= %(position)s
) as known
group by account, currency
order by account, currency

-- name: of_all
select account, currency,
    (sum(debit_minor) - sum(credit_minor))::bigint as balance_minor,
    sum(debit_minor)::bigint as debit_minor, sum(credit_minor)::bigint as credit_minor,
    sum(postings)::bigint as postings
from (
    select account, currency, debit_minor, credit_minor, postings
    from daily_sums
    where effective_on >= %(month)s and effective_on <= %(effective_on)s
        and block < %(position)s >> 14
    union all
    select account, currency, debit_minor, credit_minor, postings
    from monthly_sums
    where month < %(month)s and block < %(position)s >> 14
    union all
    select account, currency, greatest(minor, 0), greatest(-minor, 0), 1
    from legs
    where effective_on <= %(effective_on)s
        and position >= %(position)s >> 14 << 14 and position <= %(position)s
) as known
group by account, currency
order by account, currency
