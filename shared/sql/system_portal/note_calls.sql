select system.note_calls($1, $2, $3)
