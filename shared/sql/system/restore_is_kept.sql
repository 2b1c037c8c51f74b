select exists (select from system.operations where id = $1) as yes
