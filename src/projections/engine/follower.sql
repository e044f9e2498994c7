-- name: take_turn
select pg_try_advisory_xact_lock(hashtextextended(%s, 0))
