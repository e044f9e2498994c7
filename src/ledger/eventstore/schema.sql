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
-- Returns the position before the batch. After it, when some commands were not appended, JSON about these: a repeated id
-- with the place of its first result, a conflict with nothing more. What stands in the log already is found before
-- anything is written, so one conflict costs its neighbours nothing.
--
-- In a batch a command id comes once and so does a stream, its versions one after the other; otherwise, as for an entry
-- that does not balance, all of it is refused. Plans are generic (the look-ups are by key at any size), because planning
-- cost more than all the work. For a batch of one a third of PostgreSQL's time was once spent on setting up statements
-- and expressions, so there are few (docs/decisions/0030-few-statements-in-append.md).
create function append(
    streams text[], versions bigint[], topics text[], states bytea[], command_ids text[], fingerprints bytea[]
) returns text
language plpgsql security definer set search_path = {schema}, pg_temp
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
    head     bigint;
    link     bytea;
    links    bytea[];
    misfits  integer[];  -- where a version stands that does not come next
    failing  text[];     -- ids of the commands that are not appended
    others   text;       -- and what is told of them
    from_one integer;    -- places of the first and the last event of such a command
    to_one   integer;
begin
    if pg_advisory_xact_lock({lock}) is null then null; end if;
    -- A version follows the one before it in the batch or the newest of its stream; ours count from 1, the library's
    -- from 0.
    select newest.notification_id, newest.hash, array(
        select e.command_id from events e where e.command_id = any(command_ids)
    ), array(
        select given.place
        from (
            select generate_subscripts(streams, 1) as place, unnest(streams) as stream, unnest(versions) - 1 as before,
                unnest(array_prepend(null, streams)) as last_stream, unnest(array_prepend(null, versions)) as last
        ) as given
        where (given.stream, given.before) is distinct from (given.last_stream, given.last)
            and given.before <> coalesce((
                select e.originator_version from events e where e.originator_id = given.stream
                order by e.originator_version desc limit 1
            ), least(given.before, 0))
    )
    into head, link, failing, misfits
    from (select) as always left join lateral (
        select notification_id, hash from events order by notification_id desc limit 1
    ) as newest on true;
    if head is null then  -- the first batch of all
        head := 0;
        link := decode(repeat('00', 32), 'hex');
    end if;

    if cardinality(failing) + cardinality(misfits) > 0 then
        if command_ids[cardinality(streams)] is null then  -- no end would be found
            raise exception 'the last command of the batch has no id' using errcode = 'invalid_parameter_value';
        end if;
        foreach to_one in array misfits loop
            while command_ids[to_one] is null loop
                to_one := to_one + 1;
            end loop;
            if command_ids[to_one] <> all (failing) then
                failing := failing || command_ids[to_one];
            end if;
        end loop;
        select json_agg(json_build_object(
            'command_id', failed.id, 'position', e.notification_id, 'stream', coalesce(e.originator_id, ''),
            'version', coalesce(e.originator_version, 0), 'fingerprint', coalesce(encode(e.fingerprint, 'hex'), '')
        ))
        into others
        from unnest(failing) as failed (id) left join events e on e.command_id = failed.id;
        for i in 1 .. cardinality(failing) loop
            to_one := array_position(command_ids, failing[i]);
            from_one := to_one;
            while from_one > 1 and command_ids[from_one - 1] is null loop
                from_one := from_one - 1;
            end loop;
            streams := streams[: from_one - 1] || streams[to_one + 1 :];
            versions := versions[: from_one - 1] || versions[to_one + 1 :];
            topics := topics[: from_one - 1] || topics[to_one + 1 :];
            states := states[: from_one - 1] || states[to_one + 1 :];
            command_ids := command_ids[: from_one - 1] || command_ids[to_one + 1 :];
            fingerprints := fingerprints[: from_one - 1] || fingerprints[to_one + 1 :];
        end loop;
    end if;

    for i in 1 .. cardinality(streams) loop
        link := sha256(
            link || int8send(head + i)
            || int4send(octet_length(streams[i])) || convert_to(streams[i], 'UTF8') || int8send(versions[i])
            || int4send(octet_length(topics[i])) || convert_to(topics[i], 'UTF8') || states[i]
        );
        links := links || link;
    end loop;
    insert into events
        select unnest(streams), unnest(versions), unnest(topics), unnest(states),
            generate_series(head + 1, head + cardinality(streams)), unnest(links), unnest(command_ids),
            unnest(fingerprints);
    return head || pg_notify('{schema}_log', '')::text || coalesce(' ' || others, '');  -- what NOTIFY gives is empty
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
