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

-- name: trial_balance
select account, currency, balance_minor, debit_minor, credit_minor, postings, position
from balances
order by account, currency

-- name: account
select account, currency, balance_minor, debit_minor, credit_minor, postings, position
from balances
where account = %s
order by currency
