-- One that was done goes on too, where a steward of the release before has made something of its version since.
select r.until
from system.rollouts r
where r.version = $1
  and (r.state = 'running'
       or r.state = 'done' and (exists (select from system.tenants t where t.schema_version < $1 and t.state not in ('purging', 'deleted'))
                                or exists (select from system.pools p where p.schema_version < $1)))
