select exists (select from system.migrations where scope = 'system' and version = $1) as yes
