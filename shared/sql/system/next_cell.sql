select 'cell_' || lpad((max(right(name, 4))::integer + 1)::text, 4, '0') as name
from system.cells
