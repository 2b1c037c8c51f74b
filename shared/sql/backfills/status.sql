select b.version, b.name,
       case when b.state = 'stopped' then 'stopped' when c.open > 0 then 'running' when c.failed > 0 then 'failed' else 'done' end as state,
       c.open, c.done, c.failed, c.changed,
       (select coalesce(jsonb_agg(jsonb_build_object('tenant_id', f.tenant_id, 'error', f.error) order by f.updated_at), '[]')
        from (select x.tenant_id, x.error, x.updated_at from system.owed_backfills x
              where x.version = b.version and x.state = 'failed' order by x.updated_at limit 20) f) as failures
from system.migration_backfills b
cross join lateral (
    select count(*) filter (where o.state = 'open') as open, count(*) filter (where o.state = 'done') as done,
           count(*) filter (where o.state = 'failed') as failed, coalesce(sum(o.changed), 0)::bigint as changed
    from system.owed_backfills o where o.version = b.version
) c
order by b.version desc
limit 20
