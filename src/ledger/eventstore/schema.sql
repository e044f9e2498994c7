-- The event log of one schema: events, the ids of the commands that made them, and the only way in.
-- Placeholders in braces are filled by migrate.py: {schema}, {owner}, {app}, {projector}, {auditor}, {lock}.

create table events (
    originator_id      text collate "C" not null,
    originator_version bigint not null,
    topic              text collate "C" not null,
    state              bytea not null,
    notification_id    bigint not null,
    hash               bytea not null,
    command_id         text collate "C",  -- on the last event of a command: a repeat finds its first result there
    fingerprint        bytea,             -- of the request behind the command, so that a different repeat is refused
    primary key (originator_id, originator_version)
);
create unique index events_notification_id on events (notification_id);
create unique index events_command_id on events (command_id) where command_id is not null;
comment on table events is
    'One row an event. state is JSON: "m" metadata, "d" the fact. notification_id is gap-free and in commit order. '
    'hash = sha256(previous hash, position, stream, version, topic, state).';

-- An entry in the log balances whoever inserts it, and by whatever way.
-- Nearly every entry has one currency, and adding up its legs in a loop takes half the time of a query.
create function entry_balances(state bytea) returns boolean
language plpgsql immutable set search_path = pg_catalog as $$
declare
    legs     jsonb := convert_from(state, 'UTF8')::jsonb -> 'd' -> 'legs';
    currency text := legs -> 0 -> 'amount' ->> 'currency';
    amount   jsonb;
    total    bigint := 0;
begin
    for i in 0 .. coalesce(jsonb_array_length(legs), 0) - 1 loop
        amount := legs -> i -> 'amount';
        if amount ->> 'currency' is distinct from currency then
            return (
                select coalesce(bool_and(per_currency.total = 0), false)
                from (
                    select sum((leg #>> '{amount,minor}')::bigint) as total
                    from jsonb_array_elements(legs) as leg
                    group by leg #>> '{amount,currency}'
                ) as per_currency
            );
        end if;
        total := total + (amount ->> 'minor')::bigint;
    end loop;
    return coalesce(currency is not null and total = 0, false);
end
$$;
alter table events add constraint entry_balances
    check (topic not like 'journal.entry_posted.%' or entry_balances(state));

-- Appends a batch of commands: their events one after the other, the id and fingerprint of a command at its last one.
-- What stands in the log already is found before anything is written, so one conflict costs its neighbours nothing.
-- `head` is the position before the batch. `others` is JSON about the commands that were not appended, by their number
-- in the batch: a repeated id with the place of its first result, a conflict with nothing more.
--
-- In a batch a command id comes once and so does a stream, its versions one after the other; otherwise, as for an entry
-- that does not balance, all of it is refused. Plans are generic (the look-ups are by key at any size), because planning
-- cost more than all the work.
create function append(
    streams text[], versions bigint[], topics text[], states bytea[], command_ids text[], fingerprints bytea[],
    out head bigint, out others text
)
language plpgsql security definer set search_path = {schema}, pg_temp
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
    total   integer := cardinality(streams);
    given   text[] := array_remove(command_ids, null);
    command integer := 0;
    stream  text;
    version bigint;
    ended   boolean := true;
    -- One of each where a command's run of versions begins: a version follows the newest one of its stream.
    runs    integer[] := '{}';
    ids     text[] := '{}';
    named   text[] := '{}';
    befores bigint[] := '{}';
    failing integer[];
    link    bytea;
    links   bytea[] := '{}';
begin
    if pg_advisory_xact_lock({lock}) is null then null; end if;
    for i in 1 .. total loop
        if ended then command := command + 1; end if;
        if ended or streams[i] <> stream or versions[i] <> version + 1 then
            runs := runs || command;
            ids := ids || given[command];
            named := named || streams[i];
            befores := befores || versions[i] - 1;
        end if;
        stream := streams[i];
        version := versions[i];
        ended := command_ids[i] is not null;
    end loop;

    select e.notification_id, e.hash into head, link from events e order by e.notification_id desc limit 1;
    select array_agg(run.command) into failing
    from (
        select unnest(runs) as command, unnest(ids) as id, unnest(named) as stream, unnest(befores) as before
    ) as run
    where run.before <> coalesce((
            select e.originator_version from events e where e.originator_id = run.stream
            order by e.originator_version desc limit 1
        ), least(run.before, 0))  -- ours count from 1, the library's from 0
        or (select true from events e where e.command_id = run.id limit 1);
    head := coalesce(head, 0);
    link := coalesce(link, decode(repeat('00', 32), 'hex'));

    if failing is not null then
        select json_agg(json_build_object(
            'command', n, 'position', e.notification_id, 'stream', coalesce(e.originator_id, ''),
            'version', coalesce(e.originator_version, 0), 'fingerprint', coalesce(encode(e.fingerprint, 'hex'), '')
        )) into others
        from unnest(given) with ordinality as command (id, n)
            left join lateral (select * from events e where e.command_id = command.id limit 1) as e on true
        where n = any (failing);
        select array_agg(s order by o), array_agg(v order by o), array_agg(t order by o), array_agg(b order by o),
            array_agg(id order by o), array_agg(print order by o), count(*)
        into streams, versions, topics, states, command_ids, fingerprints, total
        from (
            select *, 1 + count(id) over (order by o rows between unbounded preceding and 1 preceding) as command
            from unnest(streams, versions, topics, states, command_ids, fingerprints)
                with ordinality as event (s, v, t, b, id, print, o)
        ) as every
        where every.command <> all (failing);
    end if;

    for i in 1 .. total loop
        link := sha256(
            link || int8send(head + i)
            || int4send(octet_length(streams[i])) || convert_to(streams[i], 'UTF8') || int8send(versions[i])
            || int4send(octet_length(topics[i])) || convert_to(topics[i], 'UTF8') || states[i]
        );
        links := links || link;
    end loop;
    insert into events
        select unnest(streams), unnest(versions), unnest(topics), unnest(states),
            generate_series(head + 1, head + total), unnest(links), unnest(command_ids), unnest(fingerprints);
    if total > 0 and pg_notify('{schema}_log', '') is null then null; end if;
end
$$;

-- History is not edited, by anybody, in any replication mode.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the event log is append-only (% on %)', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end
$$;
create trigger events_append_only before update or delete on events for each row execute function refuse_change();
create trigger events_no_truncate before truncate on events for each statement execute function refuse_change();
alter table events enable always trigger events_append_only;
alter table events enable always trigger events_no_truncate;

alter table events owner to {owner};
alter function entry_balances(bytea) owner to {owner};
alter function append(text[], bigint[], text[], bytea[], text[], bytea[]) owner to {owner};
revoke all on function append(text[], bigint[], text[], bytea[], text[], bytea[]) from public;
grant execute on function append(text[], bigint[], text[], bytea[], text[], bytea[]) to {app};
grant select on events to {app}, {projector}, {auditor};
