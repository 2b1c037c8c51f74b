update system.roots set is_current = true where version = $1 and not is_current
