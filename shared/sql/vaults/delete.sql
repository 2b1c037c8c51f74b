delete from vaults
where id = $1 and version = $2
