-- name: end_of_append
select coalesce(
    (select notification_id from events where notification_id >= %(position)s and command_id is not null
    order by notification_id limit 1),
    (select max(notification_id) from events where notification_id >= %(position)s),
    0
)
