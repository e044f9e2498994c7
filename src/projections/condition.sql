-- name: next
select state from events where notification_id = %s
