-- name: create
create table plans (
    plan_id           text collate "C" primary key,
    version           bigint not null,
    name              text not null,
    product           text not null,
    price_minor       bigint not null,
    currency          text not null,
    interval_unit     text not null,
    interval_count    bigint not null,
    trial_days        bigint not null,
    tax_mode          text not null,
    dunning_policy    text not null,
    proration         text not null,
    proration_by      text not null,
    issued_days_ahead bigint not null,
    retired_at        timestamptz,        -- null while it is sold
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    first_position    bigint not null,
    position          bigint not null
);

-- name: index
create unique index plans_newest on plans (first_position);

-- name: add
insert into plans
values (
    %(plan_id)s, %(version)s, %(name)s, %(product)s, %(price_minor)s, %(currency)s,
    %(interval_unit)s, %(interval_count)s, %(trial_days)s, %(tax_mode)s, %(dunning_policy)s,
    %(proration)s, %(proration_by)s, %(issued_days_ahead)s, null, %(at)s, %(at)s, %(position)s,
    %(position)s
)

-- name: change
update plans
set version           = %(version)s,
    name              = %(name)s,
    product           = %(product)s,
    price_minor       = %(price_minor)s,
    currency          = %(currency)s,
    interval_unit     = %(interval_unit)s,
    interval_count    = %(interval_count)s,
    trial_days        = %(trial_days)s,
    tax_mode          = %(tax_mode)s,
    dunning_policy    = %(dunning_policy)s,
    proration         = %(proration)s,
    proration_by      = %(proration_by)s,
    issued_days_ahead = %(issued_days_ahead)s,
    updated_at        = %(at)s,
    position          = %(position)s
where plan_id = %(plan_id)s

-- name: retire
update plans
set retired_at = %(at)s, updated_at = %(at)s, position = %(position)s
where plan_id = %(plan_id)s

-- name: page
select *
from plans
where (%(before)s::bigint is null or first_position < %(before)s)
    and (%(retired)s::boolean is null or (retired_at is not null) = %(retired)s)
order by first_position desc
limit %(limit)s
