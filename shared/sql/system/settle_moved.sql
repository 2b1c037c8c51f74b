select system.settle_moved($1, $2, $3, $4, $5)
