select pg_snapshot_xmin(pg_current_snapshot())::text as below, pg_current_xact_id()::text as here,
       to_char(system.now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now
