select database_name, listed
from system.way_to($1, $2, $3, $4)
