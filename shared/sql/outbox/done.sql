select id, kind, ref, available_at from system.outbox_done($1)
