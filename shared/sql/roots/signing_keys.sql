select key_id, public_key from system.signing_keys()
