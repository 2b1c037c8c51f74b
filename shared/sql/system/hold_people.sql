select pg_advisory_xact_lock(2, hashtext($1::uuid::text))
