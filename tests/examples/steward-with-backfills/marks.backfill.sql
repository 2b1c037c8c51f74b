-- Counts how often it came by each vault. On purpose it looks neither at whose it is nor at whether it was there before.
with batch as (
    select v.id
    from vaults v
    where v.id > coalesce(nullif($1::text, '')::uuid, '00000000-0000-0000-0000-000000000000')
    order by v.id
    limit $2
    for no key update
), changed as (
    update vaults v
    set version = v.version + 1
    from batch b
    where v.id = b.id
    returning v.id
)
select (select b.id::text from batch b order by b.id desc limit 1) as last, (select count(*) from changed) as changed
