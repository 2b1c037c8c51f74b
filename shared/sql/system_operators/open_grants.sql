select system.operator_open_grants($1, $2) as open
