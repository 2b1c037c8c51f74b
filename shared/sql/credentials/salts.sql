select version, salt, root_version from system.tenant_salts()
