select name, total
from system.count_rows($1, $2)
