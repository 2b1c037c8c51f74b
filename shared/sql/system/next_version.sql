with pool as (
    update system.pools
    set schema_version = $3
    where schema_name = $2 and schema_version = $3 - 1
    returning schema_name
), inside as (
    update system.tenants
    set schema_version = $3
    where (id = $1 or placement = 'pooled' and state <> 'deleted' and schema_name = $2)
      and schema_name = $2 and schema_version = $3 - 1
    returning id
)
select (select count(*) from pool) + (select count(*) from inside) as moved
