select exists (select from audit where epoch >= $1)
    or exists (select from events where epoch >= $1) as yes
