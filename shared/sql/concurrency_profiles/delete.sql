delete from concurrency_profiles
where id = $1 and version = $2
