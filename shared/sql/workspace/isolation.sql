select checked_at, attempts, violations, checks
from system.isolation_evidence()
