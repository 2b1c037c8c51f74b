select system.deletion_fence($1)
