-- name: take_turn
select
    pg_try_advisory_xact_lock(hashtextextended(%s, 0)),
    coalesce((select notification_id from tracking where application_name = %s), 0),
    coalesce((select max(notification_id) from events), 0)
