select day, measured_at, "rows", bytes, growth_bytes, runs, task_runs, failed_runs, dwell_p50_ms, dwell_p99_ms,
       api_calls, api_limited
from system.metrics_by_day($1)
