select id
from system.operations
where id = $1 and epoch = $2 and step = $3 and finished_at is null
for update
