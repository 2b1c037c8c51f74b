insert into system.migrations (scope, version, name, applied_at)
values ('system', $1, $2, system.now())
