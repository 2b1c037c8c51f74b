select runs, most from system.runs_left($1)
