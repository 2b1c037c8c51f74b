select pg_advisory_xact_lock(1, hashtext($1::text))
