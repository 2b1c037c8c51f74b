-- Nobody else works on it until the batch has ended. None where it was stopped meanwhile.
select o.after
from system.owed_backfills o
where o.tenant_id = $1 and o.version = $2 and o.state = 'open'
  and exists (select from system.migration_backfills b where b.version = $2 and b.state = 'running')
for update skip locked
