-- The workspace's own log goes with it: this stands in the one that stays. Nobody is its operator.
insert into system.operator_audit (id, at, operator_id, operator_name, session_id, action, tenant_id, target_kind, target_id)
select $1, system.now(), '00000000-0000-0000-0000-000000000000'::uuid, 'platform', '00000000-0000-0000-0000-000000000000'::uuid,
       'workspace.purging', t.id, 'workspace', t.id
from system.tenants t
where t.id = $2 and t.state = 'deleting'
