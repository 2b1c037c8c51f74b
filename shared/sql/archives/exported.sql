select part, line from system.exported()
