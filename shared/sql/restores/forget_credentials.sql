delete from credentials where name is not null
