select system.invitation_insert($1, $2, $3, $4, $5, $6, $7 * interval '1 second')
