select until
from system.rollouts
where version = $1 and state = 'running'
