select system.put_along($1, $2::text::jsonb)
