update system.operations
set failures = failures + 1, lease_until = null,
    not_before = system.now() + case
        when $3 then interval '1 second'
        else least(interval '15 minutes', interval '5 seconds' * power(2, least(failures, 10)))
    end
where id = $1 and epoch = $2 and finished_at is null
