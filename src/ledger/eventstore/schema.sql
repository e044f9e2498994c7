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
create function entry_balances(state bytea) returns boolean
language sql immutable set search_path = pg_catalog as $$
    select coalesce(bool_and(total = 0), false)
    from (
        select sum((leg #>> '{amount,minor}')::bigint) as total
        from jsonb_array_elements(convert_from(state, 'UTF8')::jsonb #> '{d,legs}') as leg
        group by leg #>> '{amount,currency}'
    ) as per_currency
$$;
alter table events add constraint entry_balances
    check (topic not like 'journal.entry_posted.%' or entry_balances(state));

-- Inserts events and command ids at the end of the log. Runs under the lock, and the settings, of append().
create function append_rows(
    command_ids text[], fingerprints bytea[], lasts integer[],
    streams text[], versions bigint[], topics text[], states bytea[]
) returns bigint
language plpgsql as $$
declare
    head   bigint;
    link   bytea;
    links  bytea[] := '{}';
    fact   record;
begin
    select e.notification_id, e.hash into head, link from events e order by e.notification_id desc limit 1;
    head := coalesce(head, 0);
    link := coalesce(link, decode(repeat('00', 32), 'hex'));
    for fact in
        select convert_to(u.s, 'UTF8') as stream, u.v as version, convert_to(u.t, 'UTF8') as topic, u.b as state, u.o
        from unnest(streams, versions, topics, states) with ordinality as u (s, v, t, b, o)
        order by u.o
    loop
        link := sha256(
            link || int8send(head + fact.o)
            || int4send(octet_length(fact.stream)) || fact.stream || int8send(fact.version)
            || int4send(octet_length(fact.topic)) || fact.topic || fact.state
        );
        links := links || link;
    end loop;
    insert into events
        select u.s, u.v, u.t, u.b, head + u.o, u.h, c.id, c.print
        from unnest(streams, versions, topics, states, links) with ordinality as u (s, v, t, b, h, o)
        left join unnest(command_ids, fingerprints, lasts) as c (id, print, last) on c.last = u.o
        order by u.o;
    -- Looked up row by row: a plan made while the table was small would read all of it for ever.
    if exists (
        select from unnest(streams, versions) as u (s, v)
        left join lateral (
            select true as there from events e
            where e.originator_id = u.s and e.originator_version = u.v - 1
            limit 1
        ) as before on true
        where u.v > 1 and before.there is null
    ) then
        raise unique_violation using message = 'a stream may not have a gap';
    end if;
    return head;
end
$$;

-- Appends a batch of commands. Each gets its own outcome: appended, duplicate (with the first result) or conflict.
-- The happy path does nothing per command; only a violation makes it go one by one.
create function append(
    command_ids text[], fingerprints bytea[], lasts integer[],
    streams text[], versions bigint[], topics text[], states bytea[]
) returns table (ordinal integer, outcome text, "position" bigint, stream text, version bigint, fingerprint bytea)
language plpgsql security definer set search_path = {schema}, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
    head  bigint;
    earlier integer := 0;
begin
    perform pg_advisory_xact_lock({lock});
    begin
        head := append_rows(command_ids, fingerprints, lasts, streams, versions, topics, states);
        perform pg_notify('{schema}_log', '');
        return query select u.o::integer, 'appended', head + u.last, null::text, null::bigint, null::bytea
            from unnest(lasts) with ordinality as u (last, o);
        return;
    exception when unique_violation then
        null;
    end;
    for i in 1 .. cardinality(command_ids) loop
        return query select i, 'duplicate', e.notification_id, e.originator_id, e.originator_version, e.fingerprint
            from events e where e.command_id = command_ids[i];
        if not found then
            begin
                head := append_rows(
                    command_ids[i:i], fingerprints[i:i], array[lasts[i] - earlier],
                    streams[earlier + 1:lasts[i]], versions[earlier + 1:lasts[i]],
                    topics[earlier + 1:lasts[i]], states[earlier + 1:lasts[i]]
                );
                return query select i, 'appended', head + lasts[i] - earlier, null::text, null::bigint, null::bytea;
            exception when unique_violation then
                return query select i, 'conflict', null::bigint, null::text, null::bigint, null::bytea;
            end;
        end if;
        earlier := lasts[i];
    end loop;
    perform pg_notify('{schema}_log', '');
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
alter function append_rows(text[], bytea[], integer[], text[], bigint[], text[], bytea[]) owner to {owner};
alter function append(text[], bytea[], integer[], text[], bigint[], text[], bytea[]) owner to {owner};
revoke all on function append(text[], bytea[], integer[], text[], bigint[], text[], bytea[]) from public;
revoke all on function append_rows(text[], bytea[], integer[], text[], bigint[], text[], bytea[]) from public;
grant execute on function append(text[], bytea[], integer[], text[], bigint[], text[], bytea[]) to {app};
grant select on events to {app}, {projector}, {auditor};
