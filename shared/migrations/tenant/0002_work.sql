-- What a workspace runs: runs, their tasks, the tries, and the log of every transition.

create table runs (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    job_id uuid not null,
    job_version integer not null,
    trigger text not null check (trigger in ('schedule', 'manual', 'rerun', 'backfill', 'webhook')),
    schedule_id uuid,
    logical_date timestamptz,
    data_interval_start timestamptz,
    data_interval_end timestamptz,
    run_after timestamptz not null,
    state text not null check (state in ('pending', 'active', 'succeeded', 'failed', 'timed_out', 'cancelled', 'skipped', 'expired', 'lost')),
    reason text check (length(reason) <= 100),
    parameters jsonb not null default '{}',
    cancel_requested_at timestamptz,
    created_at timestamptz not null,
    created_by uuid,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, id),
    check ((finished_at is null) = (state in ('pending', 'active'))),
    foreign key (tenant_id, job_id, job_version) references job_versions (tenant_id, job_id, version),
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id) on delete set null (schedule_id)
);
create unique index runs_slot on runs (tenant_id, schedule_id, logical_date);
create index runs_job on runs (tenant_id, job_id, id desc);
create index runs_open on runs (tenant_id, job_id) where state in ('pending', 'active');
create index runs_state on runs (tenant_id, state, id desc);

create table task_runs (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    run_id uuid not null,
    position integer not null,
    name text not null,
    connection_id uuid not null,
    priority integer not null,
    weight integer not null,
    state text not null check (state in ('pending', 'active', 'succeeded', 'failed', 'timed_out', 'cancelled', 'skipped',
                                         'upstream_failed', 'expired', 'lost')),
    reason text check (length(reason) <= 100),
    attempts integer not null default 0,
    ready_at timestamptz,
    start_by timestamptz,
    close_by timestamptz,
    cancel_requested_at timestamptz,
    message text check (length(message) <= 2000),
    outputs jsonb check (octet_length(outputs::text) <= 65536),
    started_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, run_id, position),
    unique (tenant_id, run_id, name),
    check ((finished_at is null) = (state in ('pending', 'active'))),
    check (state <> 'pending' or reason in ('scheduled', 'waiting_dependency', 'waiting_calendar', 'waiting_slot', 'held',
                                            'rate_limited', 'tenant_suspended', 'up_for_retry')),
    check (state <> 'active' or reason in ('dispatching', 'start_unknown', 'running', 'cancelling')),
    foreign key (tenant_id, run_id) references runs (tenant_id, id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id)
);
-- Who is next on a key: what waits for a slot, and retries whose time has come.
create index task_runs_waiting on task_runs (tenant_id, connection_id, priority desc, ready_at, id)
    where state = 'pending' and reason in ('waiting_slot', 'up_for_retry');
create index task_runs_give_up on task_runs (tenant_id, least(start_by, close_by))
    where state = 'pending' and reason in ('waiting_slot', 'up_for_retry') and (start_by is not null or close_by is not null);

create table attempts (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    task_run_id uuid not null,
    run_id uuid not null,
    number integer not null check (number > 0),
    state text not null check (state in ('active', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost')),
    reason text check (length(reason) <= 100),
    epoch integer not null default 1,
    connection_id uuid not null,
    weight integer not null,
    lease_until timestamptz,
    deadline_at timestamptz,
    idempotency text not null check (idempotency in ('token', 'search', 'none')),
    request_digest bytea not null,
    handle jsonb,
    external_id text check (length(external_id) <= 500),
    external_url text check (length(external_url) <= 2000),
    platform_state text check (length(platform_state) <= 200),
    warning text check (length(warning) <= 500),
    cancel_sent_at timestamptz,
    error_class text check (error_class in ('throttled', 'auth', 'transient', 'permanent', 'infrastructure', 'user_cancelled')),
    error_message text check (length(error_message) <= 2000),
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, task_run_id, number),
    check ((finished_at is null) = (state = 'active')),
    check (state <> 'active' or reason in ('dispatching', 'start_unknown', 'running', 'cancelling')),
    check (reason is distinct from 'running' or state <> 'active' or external_id is not null),
    foreign key (tenant_id, task_run_id) references task_runs (tenant_id, id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id)
);
create index attempts_active on attempts (tenant_id, connection_id, reason) where state = 'active';
create index attempts_lease on attempts (tenant_id, lease_until) where state = 'active' and lease_until is not null;
create index attempts_deadline on attempts (tenant_id, deadline_at) where state = 'active' and deadline_at is not null;

-- External runs that no attempt would take: to be cancelled and confirmed.
create table orphans (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    connection_id uuid not null,
    attempt_id uuid not null,
    external_id text not null check (length(external_id) <= 500),
    state text not null check (state in ('open', 'cancelling', 'gone')),
    found_at timestamptz not null,
    finished_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, connection_id, external_id),
    foreign key (tenant_id, connection_id) references connections (tenant_id, id)
);
create index orphans_open on orphans (tenant_id, connection_id) where state <> 'gone';

-- Every transition of work, in the transaction that made it. Inserted, never changed.
create table events (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    run_id uuid not null,
    task_run_id uuid,
    attempt_id uuid,
    from_state text,
    to_state text not null,
    reason text check (length(reason) <= 100),
    actor_kind text not null check (actor_kind in ('user', 'schedule', 'system')),
    actor_id uuid,
    at timestamptz not null,
    detail jsonb,
    tx xid8 not null default pg_current_xact_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id, run_id) references runs (tenant_id, id)
);
create index events_run on events (tenant_id, run_id, id);

-- What people and API clients did. Inserted, never changed.
create table audit (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    id uuid not null,
    at timestamptz not null,
    actor_kind text not null check (actor_kind in ('user', 'system', 'operator')),
    actor_id uuid,
    actor_name text not null default '' check (length(actor_name) <= 200),
    action text not null check (length(action) <= 100),
    target_kind text not null check (length(target_kind) <= 60),
    target_id uuid,
    before_digest bytea,
    after_digest bytea,
    request_id text not null default '' check (length(request_id) <= 100),
    source_address text not null default '' check (length(source_address) <= 60),
    detail jsonb,
    tx xid8 not null default pg_current_xact_id(),
    primary key (tenant_id, id)
);

-- Answers kept for a day, so that a repeated request acts once. Answers that show a secret are not kept.
create table idempotency_keys (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    user_id uuid not null,
    key text not null check (length(key) between 1 and 255),
    operation text not null check (length(operation) <= 300),
    body_hash bytea not null,
    status integer not null,
    headers jsonb not null default '{}',
    answer jsonb,
    created_at timestamptz not null,
    primary key (tenant_id, user_id, key)
);
create index idempotency_keys_age on idempotency_keys (tenant_id, created_at);
