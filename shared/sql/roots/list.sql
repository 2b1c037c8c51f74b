select r.version, r.key_id, r.is_current, r.first_seen_at,
       (select count(distinct k.tenant_id) from system.tenant_keys k
        where (k.root_version = r.version or k.root_version is null) and k.retired_at is null) as in_use_by,
       (select count(distinct k.tenant_id) from system.tenant_keys k
        where (k.root_version = r.version or k.root_version is null) and k.retired_at is not null) as kept_for_backups_of,
       (select max(o.not_before) from system.tenant_keys k
        join system.operations o on o.tenant_id = k.tenant_id and o.created_at <= k.retired_at
        where k.root_version = r.version and o.kind = 'expiry' and o.finished_at is null
          and o.request ->> 'kind' = 'backup') as backups_until,
       (select count(*) from system.operations o where o.kind = 'rotation' and o.finished_at is null) as rotations_open
from system.roots r
where r.version <> all ($1)
order by r.version
