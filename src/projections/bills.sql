-- name: create
create table bills (
    bill_id          text collate "C" primary key,
    subscription_id  text collate "C" not null,
    customer_id      text collate "C" not null,
    number           bigint not null,       -- of the subscription's bills
    period           bigint not null,
    reason           text not null,
    status           text collate "C" not null,
    plan_id          text collate "C" not null,
    sold_as          text not null,         -- the product that was billed
    product          text not null,         -- what it has become
    coupon           text not null,
    starts_at        timestamptz not null,  -- of the service that it pays for
    ends_at          timestamptz not null,
    due_at           timestamptz not null,
    currency         text not null,
    net_minor        bigint not null,
    tax_minor        bigint not null,
    total_minor      bigint not null,
    discount_minor   bigint not null,       -- already taken off, as the plan prices
    credit_minor     bigint not null,       -- of the total; below zero: owed from before, and added
    to_pay_minor     bigint not null,
    attempts         bigint not null,       -- payments that were asked for
    method           text not null,         -- of the latest
    trouble          text not null,         -- why the latest brought nothing; '' while it may
    failure          text not null,
    failure_words    text not null,
    paid_by          text not null,         -- the payment; '' when credit paid all, or nothing has
    paid_at          timestamptz,
    credited_minor   bigint not null,       -- given back as credit by changes
    refunded_minor   bigint not null,
    recognised_minor bigint not null,       -- in the books: income
    unearned_minor   bigint not null,       -- in the books: deferred revenue
    lines            jsonb not null,
    invoice_number   text not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    first_position   bigint not null,
    position         bigint not null        -- of its newest fact
);

-- name: index
create unique index bills_newest on bills (first_position);
create index bills_status on bills (status, first_position);
create index bills_due_at on bills (status, due_at);
create index bills_subscription on bills (subscription_id, first_position);
create index bills_customer on bills (customer_id, first_position);

-- name: load
select * from bills where bill_id = any(%s)

-- name: upsert
insert into bills
select * from jsonb_populate_recordset(null::bills, %s)
on conflict (bill_id) do update set
    status           = excluded.status,
    product          = excluded.product,
    attempts         = excluded.attempts,
    method           = excluded.method,
    trouble          = excluded.trouble,
    failure          = excluded.failure,
    failure_words    = excluded.failure_words,
    paid_by          = excluded.paid_by,
    paid_at          = excluded.paid_at,
    credited_minor   = excluded.credited_minor,
    refunded_minor   = excluded.refunded_minor,
    recognised_minor = excluded.recognised_minor,
    unearned_minor   = excluded.unearned_minor,
    updated_at       = excluded.updated_at,
    position         = excluded.position

-- name: earn
update bills b
set recognised_minor = b.recognised_minor + earned.minor,
    unearned_minor   = b.unearned_minor - earned.minor,
    updated_at       = greatest(b.updated_at, earned.updated_at),
    position         = earned.position
from jsonb_to_recordset(%s) as earned (bill_id text, minor bigint, updated_at timestamptz, position bigint)
where b.bill_id = earned.bill_id

-- name: page
select *
from bills
where (%(before)s::bigint is null or first_position < %(before)s)
    and (%(status)s::text is null or status = %(status)s)
    and (%(subscription_id)s::text is null or subscription_id = %(subscription_id)s)
    and (%(customer_id)s::text is null or customer_id = %(customer_id)s)
    and (%(due_from)s::timestamptz is null or due_at >= %(due_from)s)
    and (%(due_to)s::timestamptz is null or due_at < %(due_to)s)
order by first_position desc
limit %(limit)s
