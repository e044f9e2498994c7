-- name: positions
select application_name, notification_id from tracking where application_name = any(%s)

-- name: head
select coalesce(max(notification_id), 0) from events
