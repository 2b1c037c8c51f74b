update system.roots set is_current = false where is_current and version <> $1
