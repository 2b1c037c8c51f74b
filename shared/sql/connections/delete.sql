delete from connections
where id = $1 and version = $2
