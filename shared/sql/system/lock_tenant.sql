select id from system.tenants where id = $1 and state in ('active', 'suspending', 'suspended', 'deleting') for no key update
