select system.member_change($1, $2, $3) as changed
