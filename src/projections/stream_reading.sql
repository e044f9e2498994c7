-- name: stream
select e.notification_id, e.originator_id, e.originator_version, e.topic, e.state, e.hash, before.hash
from events e
    left join events before on before.notification_id = e.notification_id - 1
where e.originator_id = %s
order by e.originator_version
