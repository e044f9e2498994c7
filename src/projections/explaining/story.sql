-- name: with_their_appends
-- A command's id stands at the last event of its append; a log that was written otherwise may lack it, so the
-- window is bounded, and who reads it looks at the metadata as well.
select asked.n, e.notification_id as position, e.originator_id as stream, e.originator_version as version,
    e.topic, e.state, e.hash
from unnest(%(streams)s::text[], %(versions)s::bigint[]) with ordinality as asked (stream, version, n)
    join events one on one.originator_id = asked.stream and one.originator_version = asked.version
    cross join lateral (
        select * from events e
        where e.notification_id > coalesce(
                (
                    select b.notification_id from events b
                    where b.notification_id < one.notification_id
                        and b.notification_id >= one.notification_id - %(most)s and b.command_id is not null
                    order by b.notification_id desc limit 1
                ),
                one.notification_id - %(most)s
            )
            and e.notification_id <= coalesce(
                (
                    select b.notification_id from events b
                    where b.notification_id >= one.notification_id
                        and b.notification_id < one.notification_id + %(most)s and b.command_id is not null
                    order by b.notification_id limit 1
                ),
                one.notification_id + %(most)s
            )
    ) as e
order by asked.n, e.notification_id
