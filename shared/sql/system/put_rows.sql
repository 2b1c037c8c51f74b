select system.put_rows($1, $2, $3, $4::text::jsonb)
