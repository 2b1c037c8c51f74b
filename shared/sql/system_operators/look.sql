select schema_name
from system.operator_look($1, $2, $3, $4, $5, $6, $7, $8, $9)
