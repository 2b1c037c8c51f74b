select certificate
from system.tombstones
where tenant_id = $1
