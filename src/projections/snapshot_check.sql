-- name: snapshots
select stream, version, state from snapshots where format = %s order by stream

-- name: events
select originator_version, topic, state
from events
where originator_id = %s and originator_version <= %s
order by originator_version
