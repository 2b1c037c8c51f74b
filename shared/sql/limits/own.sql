select name, value from system.own_limits()
