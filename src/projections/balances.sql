-- name: create
create table balances (
    account       text collate "C" not null,
    currency      text collate "C" not null,
    balance_minor bigint not null,  -- debit positive, credit negative
    debit_minor   bigint not null,
    credit_minor  bigint not null,
    postings      bigint not null,
    position      bigint not null,  -- of the last entry that touched it
    primary key (account, currency)
);

-- name: upsert
insert into balances
select * from jsonb_populate_recordset(null::balances, %s)
on conflict (account, currency) do update set
    balance_minor = balances.balance_minor + excluded.balance_minor,
    debit_minor   = balances.debit_minor + excluded.debit_minor,
    credit_minor  = balances.credit_minor + excluded.credit_minor,
    postings      = balances.postings + excluded.postings,
    position      = excluded.position

-- name: fold
select
    leg ->> 'account',
    leg #>> '{amount,currency}',
    sum((leg #>> '{amount,minor}')::bigint)::bigint,
    sum(greatest((leg #>> '{amount,minor}')::bigint, 0))::bigint,
    sum(greatest(-(leg #>> '{amount,minor}')::bigint, 0))::bigint,
    count(*),
    max(e.notification_id)
from events e
    cross join lateral jsonb_array_elements(convert_from(e.state, 'UTF8')::jsonb #> '{d,legs}') as leg
where e.notification_id > %(after)s and e.notification_id <= %(until)s and e.topic = %(topic)s
group by 1, 2

-- name: trial_balance
select account, currency, balance_minor, debit_minor, credit_minor, postings, position
from balances
order by account, currency

-- name: account
select account, currency, balance_minor, debit_minor, credit_minor, postings, position
from balances
where account = %s
order by currency
