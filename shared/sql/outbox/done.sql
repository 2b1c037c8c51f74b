select system.outbox_done($1)
