select schema_version
from system.pools
where schema_name = $1
for update
