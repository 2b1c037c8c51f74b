-- Seals: a Merkle root over each batch of audit and event rows, each chained to the one before (docs/audit.md).

-- Transaction ids are those of one database. Rows that were sealed in another one carry the number of that epoch of the
-- chain; 0 is the epoch that goes on.
alter table audit add column epoch smallint not null default 0 check (epoch >= 0);
alter table events add column epoch smallint not null default 0 check (epoch >= 0);
create index audit_sealing on audit (tenant_id, epoch, tx, id);
create index events_sealing on events (tenant_id, epoch, tx, id);

-- A seal covers every row of its epoch after the last row of the seal before it, up to its own last row, by (tx, id).
create table seals (
    tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
    number bigint not null check (number > 0),
    epoch smallint not null check (epoch > 0),
    format smallint not null default 1 check (format = 1),
    audit_rows integer not null check (audit_rows >= 0),
    event_rows integer not null check (event_rows >= 0),
    first_tx xid8 not null,
    first_id uuid not null,
    last_tx xid8 not null,
    last_id uuid not null,
    root bytea not null check (length(root) = 32),
    previous bytea not null check (length(previous) = 32),
    hash bytea not null check (length(hash) = 32),
    sealed_at timestamptz not null,
    primary key (tenant_id, number)
);
alter table seals enable row level security;
alter table seals force row level security;
create policy tenant on seals using (tenant_id = current_setting('app.tenant_id')::uuid)
    with check (tenant_id = current_setting('app.tenant_id')::uuid);
grant select on seals to {role};

-- Whose transaction wrote a row is Postgres's to say: a tenant's role can name neither `tx` nor `epoch`.
revoke insert on audit, events from {role};
grant insert (id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id, before_digest, after_digest, request_id,
              source_address, detail) on audit to {role};
grant insert (id, run_id, task_run_id, attempt_id, from_state, to_state, reason, actor_kind, actor_id, at, detail)
    on events to {role};

create trigger note_unsealed after insert on audit for each statement execute function system.note_unsealed();
create trigger note_unsealed after insert on events for each statement execute function system.note_unsealed();
