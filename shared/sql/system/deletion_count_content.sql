select name, total
from system.count_content($1)
