-- The place of a workspace, before any other lock of it.
select pg_advisory_xact_lock_shared(6, hashtext($1::uuid::text))
