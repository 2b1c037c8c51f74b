update system.operations
set failures = failures + 1, lease_until = null,
    not_before = system.now() + least(interval '15 minutes', interval '5 seconds' * power(2, least(failures, 10)))
where id = $1 and epoch = $2 and finished_at is null
returning failures
