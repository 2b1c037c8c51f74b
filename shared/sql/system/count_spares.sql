select count(*) as spares from system.tenants where state = 'spare'
