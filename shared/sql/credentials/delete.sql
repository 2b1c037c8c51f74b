delete from credentials
where vault_id = $1 and name = $2
