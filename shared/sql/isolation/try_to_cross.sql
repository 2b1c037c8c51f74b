select attempts, crossed
from system.try_to_cross($1, $2, $3)
