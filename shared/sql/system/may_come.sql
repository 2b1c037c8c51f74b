select system.may_come($1, $2, $3) as yes
