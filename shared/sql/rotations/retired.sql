select count(*) as retired from system.tenant_keys k where k.tenant_id = $1 and k.retired_at is not null
