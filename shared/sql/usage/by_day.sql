select day, api_calls, api_limited, runs, task_runs, stored_bytes from system.usage_by_day($1)
