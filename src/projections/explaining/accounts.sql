-- What an account was posted, by what was known before a place (position, leg) of the log: whole blocks of
-- positions from the journal's sums, the last one from its postings. A block is position >> 14, as in journal.py.

-- name: by_month
select month, sum(minor)::bigint as minor, sum(postings)::bigint as postings
from (
    select month, debit_minor - credit_minor as minor, postings
    from monthly_sums
    where account = %(account)s and currency = %(currency)s and month >= %(first)s and month < %(month)s
        and block < %(position)s >> 14
    union all
    select %(month)s, debit_minor - credit_minor, postings
    from daily_sums
    where account = %(account)s and currency = %(currency)s
        and effective_on between %(month)s and %(last)s and block < %(position)s >> 14
    union all
    select effective_on - (extract(day from effective_on)::int - 1), minor, 1
    from legs
    where account = %(account)s and currency = %(currency)s and effective_on between %(first)s and %(last)s
        and position >= %(position)s >> 14 << 14 and (position, leg) < (%(position)s, %(leg)s)
) as known
group by month
order by month desc

-- name: by_day
select day, sum(minor)::bigint as minor, sum(postings)::bigint as postings
from (
    select effective_on as day, debit_minor - credit_minor as minor, postings
    from daily_sums
    where account = %(account)s and currency = %(currency)s
        and effective_on between %(first)s and %(last)s and block < %(position)s >> 14
    union all
    select effective_on, minor, 1
    from legs
    where account = %(account)s and currency = %(currency)s and effective_on between %(first)s and %(last)s
        and position >= %(position)s >> 14 << 14 and (position, leg) < (%(position)s, %(leg)s)
) as known
group by day
order by day desc

-- name: postings
-- Newest first, looked for only in the blocks that have any: an account may have a million others.
select l.position, l.leg, l.minor, e.entry_id, e.stream, e.rule, e.words, e.effective_on, e.original_on, e.cause_version
from (
    select distinct block
    from daily_sums
    where account = %(account)s and currency = %(currency)s
        and effective_on between %(first)s and %(last)s and block <= %(position)s >> 14
) as blocks
    cross join lateral (
        select * from legs
        where account = %(account)s and currency = %(currency)s
            and effective_on between %(first)s and %(last)s
            and position >= blocks.block << 14 and position < (blocks.block + 1) << 14
            and (position, leg) < (%(position)s, %(leg)s)
        order by position desc, leg desc
        limit %(limit)s
    ) as l
    join entries e on e.position = l.position
order by l.position desc, l.leg desc
limit %(limit)s
