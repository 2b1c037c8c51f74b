select count(*) as used from jobs where deleted_at is null
