-- name: view
create or replace view {reporting}.freshness as
select
    t.application_name::text as read_group,
    t.notification_id::bigint as position,
    least(
        t.notification_id, nullif(current_setting('bukubesar.as_of_position', true), '')::bigint
    )::bigint as as_of_position,
    (t.notification_id in (0, log.head) or e.command_id is not null)::boolean as is_whole,
    (select count(distinct q.stream) from {read}.quarantine q
        where q.read_group = t.application_name and q.outcome = 'parked')::bigint as parked_streams,
    (convert_from(e.state, 'UTF8')::jsonb -> 'm' ->> 'recorded_at')::timestamptz as recorded_at,
    log.head::bigint as log_position
from {read}.tracking t
    cross join (select coalesce(max(notification_id), 0) as head from {log}.events) log
    left join {log}.events e on e.notification_id = t.notification_id
where t.application_name in ('money', 'views')

-- name: comments
comment on view {reporting}.freshness is
'How far the read models behind the other views have come: one row a group. Entries, balances and fees are of `money`, all others of `views`.';
comment on column {reporting}.freshness.read_group is
'word: `money` or `views`.';
comment on column {reporting}.freshness.position is
'position: Up to where in the log the group shows everything.';
comment on column {reporting}.freshness.as_of_position is
'position: The same, or what the setting `bukubesar.as_of_position` says, when that is less.';
comment on column {reporting}.freshness.is_whole is
'yes or no: Whether `position` is at the end of what was appended together. If not, a fact may show without its entry; look again in a moment.';
comment on column {reporting}.freshness.parked_streams is
'count: Streams that the group keeps out since an event of theirs could not be applied: rows that come from them are not as of `position`. docs/operating.md says how they are taken in again.';
comment on column {reporting}.freshness.recorded_at is
'instant: When the event at `position` was recorded; null at the beginning.';
comment on column {reporting}.freshness.log_position is
'position: The newest event of the log.';
