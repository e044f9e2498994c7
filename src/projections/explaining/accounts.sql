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
-- Newest first. An account may have a million others, so only so many blocks are looked through as have enough of
-- these: the one that is cut, and whole ones until their sums say that a page is full.
with counted as (
    select block, sum(postings) as postings
    from daily_sums
    where account = %(account)s and currency = %(currency)s
        and effective_on between %(first)s and %(last)s and block < %(position)s >> 14
    group by block
),
blocks as (
    select %(position)s >> 14 as block
    union all
    select block
    from (select block, postings, sum(postings) over (order by block desc) as so_far from counted) as newest
    where so_far - postings < %(limit)s
),
page as materialized (  -- or PostgreSQL would walk through all entries, because those are in order
    select l.position, l.leg, l.minor
    from blocks
        cross join lateral (
            select position, leg, minor from legs
            where account = %(account)s and currency = %(currency)s
                and effective_on between %(first)s and %(last)s
                and position >= blocks.block << 14 and position < (blocks.block + 1) << 14
                and (position, leg) < (%(position)s, %(leg)s)
            order by position desc, leg desc
            limit %(limit)s
        ) as l
    order by l.position desc, l.leg desc
    limit %(limit)s
)
select p.*, e.entry_id, e.stream, e.rule, e.words, e.effective_on, e.original_on, e.cause_version
from page p join entries e on e.position = p.position
order by p.position desc, p.leg desc
