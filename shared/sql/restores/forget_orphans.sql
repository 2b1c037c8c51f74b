delete from orphans where id is not null
