select ceil(extract(epoch from min(greatest(not_before, coalesce(lease_until, not_before))) - system.now()))::bigint as in_s
from system.operations
where finished_at is null
