-- The fence of one workspace: forced row-level security and the tenant role's grants. Tables are named: granting on
-- ALL TABLES IN SCHEMA reads the whole catalog. {role} is the workspace's role, quoted by shared::db::migrate.
do $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'vaults', 'credentials', 'concurrency_profiles', 'connections', 'slots', 'connection_tests', 'jobs', 'job_versions',
        'job_tasks', 'schedules', 'runs', 'task_runs', 'attempts', 'orphans', 'events', 'audit', 'idempotency_keys'
    ] loop
        execute format('alter table %I enable row level security', v_table);
        execute format('alter table %I force row level security', v_table);
        execute format('create policy tenant on %I using (tenant_id = current_setting(''app.tenant_id'')::uuid)
                        with check (tenant_id = current_setting(''app.tenant_id'')::uuid)', v_table);
    end loop;
end
$$;

grant select, insert, update, delete on
    vaults, credentials, concurrency_profiles, connections, slots, connection_tests, jobs, schedules,
    runs, task_runs, attempts, orphans, idempotency_keys
    to {role};
grant select, insert on job_versions, job_tasks, events, audit to {role};
