select p.cell, p.schema_version
from system.pools p
where p.schema_name = $1
for no key update
