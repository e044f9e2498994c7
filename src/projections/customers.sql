-- name: create
create table customers (
    customer_id    text collate "C" primary key,
    language       text not null,
    methods        jsonb not null,     -- those that are attached, oldest first, without tokens
    preferred      text not null,      -- id of one of them, a method of the catalogue, or ''
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    erased_at      timestamptz,        -- from when on nothing that names them can be read
    first_position bigint not null,
    position       bigint not null
);

-- name: index
create unique index customers_newest on customers (first_position);

-- name: add
insert into customers
values (
    %(customer_id)s, %(language)s, '[]', '', %(at)s, %(at)s, null, %(position)s, %(position)s
)

-- name: change
update customers
set language = coalesce(%(language)s, language), updated_at = %(at)s, position = %(position)s
where customer_id = %(customer_id)s

-- name: attach
update customers
set methods = methods || %(method)s, updated_at = %(at)s, position = %(position)s
where customer_id = %(customer_id)s

-- name: detach
update customers
set methods    = coalesce(
        (select jsonb_agg(one order by place)
         from jsonb_array_elements(methods) with ordinality as listed (one, place)
         where one ->> 'method_id' <> %(method_id)s), '[]'),
    preferred  = case when preferred = %(method_id)s then '' else preferred end,
    updated_at = %(at)s,
    position   = %(position)s
where customer_id = %(customer_id)s

-- name: prefer
update customers
set preferred = %(method)s, updated_at = %(at)s, position = %(position)s
where customer_id = %(customer_id)s

-- name: erase
update customers
set methods = '[]', preferred = '', erased_at = %(at)s, updated_at = %(at)s, position = %(position)s
where customer_id = %(customer_id)s

-- name: page
select *
from customers
where %(before)s::bigint is null or first_position < %(before)s
order by first_position desc
limit %(limit)s
