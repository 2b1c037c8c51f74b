select ceil(1000 * extract(epoch from $1 - system.now()))::bigint as left_ms
