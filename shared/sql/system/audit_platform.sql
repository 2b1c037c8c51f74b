select system.write_platform_audit($1, $2, $3, $4)
