update system.rollouts r
set state = 'done', updated_at = system.now()
where r.version = $1 and r.state = 'running'
  and not exists (select from system.tenants t where t.schema_version < $1 and t.state <> 'deleted')
  and not exists (select from system.pools p where p.schema_version < $1)
