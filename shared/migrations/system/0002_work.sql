-- The two lists of what must happen later: messages owed (outbox) and instants due.

-- A row lives until the consumer's own transaction deletes it; the sender marks nothing. The sweep re-sends what is past resend_at.
create table system.outbox (
    id uuid primary key,
    tenant_id uuid not null references system.tenants (id),
    kind text not null check (kind in ('run', 'poll', 'watch', 'wake', 'fire', 'test', 'cancel')),
    ref uuid not null,
    available_at timestamptz not null,
    resend_at timestamptz not null,
    sends integer not null default 1
);
create index outbox_resend on system.outbox (resend_at);
create index outbox_tenant on system.outbox (tenant_id);

create table system.due (
    tenant_id uuid not null references system.tenants (id),
    kind text not null check (kind in ('schedule', 'poll', 'watch', 'wake')),
    ref uuid not null,
    at timestamptz not null,
    round integer not null default 0,
    primary key (tenant_id, kind, ref)
);
create index due_at on system.due (at);
