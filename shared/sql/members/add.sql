select system.member_add($1, $2, $3, $4, $5) as id
