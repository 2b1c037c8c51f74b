select to_jsonb(o) as operation from system.operations o where o.id = $1 and o.epoch = $2
