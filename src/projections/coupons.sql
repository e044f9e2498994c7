-- name: create
create table coupons (
    code           text collate "C" primary key,
    percent        bigint,             -- either this
    amount_minor   bigint,             -- or this
    currency       text,
    periods        bigint,             -- null: for ever
    plans          jsonb not null,     -- ids; none: any
    redeem_by      timestamptz,        -- null: no end
    most           bigint,             -- null: any number
    redeemed       bigint not null,
    withdrawn_at   timestamptz,
    created_at     timestamptz not null,
    first_position bigint not null,
    position       bigint not null
);

-- name: index
create unique index coupons_newest on coupons (first_position);

-- name: add
insert into coupons
values (
    %(code)s, %(percent)s, %(amount_minor)s, %(currency)s, %(periods)s, %(plans)s,
    %(redeem_by)s, %(most)s, 0, null, %(at)s, %(position)s, %(position)s
)

-- name: redeem
update coupons set redeemed = redeemed + 1, position = %(position)s where code = %(code)s

-- name: withdraw
update coupons set withdrawn_at = %(at)s, position = %(position)s where code = %(code)s

-- name: page
select *
from coupons
where %(before)s::bigint is null or first_position < %(before)s
order by first_position desc
limit %(limit)s
