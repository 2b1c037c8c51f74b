select run_id, external_id, system.now() as at
from system.unowned_runs($1, $2, $3)
