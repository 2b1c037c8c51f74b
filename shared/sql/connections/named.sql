select id, name, kind
from connections
where name = any ($1)
