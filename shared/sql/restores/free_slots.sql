update slots set in_use = 0, paused_until = null where in_use > 0 or paused_until is not null
