-- name: take_turn
select
    pg_try_advisory_xact_lock(hashtextextended(%(lock)s, 0)),
    coalesce((select notification_id from tracking where application_name = %(group)s), 0),
    coalesce((select max(notification_id) from events), 0),
    coalesce((select max(position) from quarantine where read_group = %(group)s and outcome = 'halted'), 0),
    array(select stream from quarantine where read_group = %(group)s and outcome = 'parked')
