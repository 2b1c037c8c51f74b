select least(
    (select min(a.lease_until) from attempts a where a.state = 'active' and a.lease_until is not null),
    (select min(a.deadline_at) from attempts a where a.state = 'active' and a.deadline_at is not null),
    (
        select min(least(t.start_by, t.close_by))
        from task_runs t
        where t.state = 'pending'
          and t.reason in ('waiting_slot', 'up_for_retry')
          and (t.start_by is not null or t.close_by is not null)
    )
) as at
