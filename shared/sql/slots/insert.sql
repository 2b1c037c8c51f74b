insert into slots (key, capacity)
values ($1, $2)
