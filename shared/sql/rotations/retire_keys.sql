select destroyed, kept from system.keys_retire($1)
