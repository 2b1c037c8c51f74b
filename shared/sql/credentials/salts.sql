select version, salt from system.tenant_salts()
