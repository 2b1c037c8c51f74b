insert into system.cells (name, created_at)
values ($1, system.now())
