delete from system.rollout_failures where version = $1
