select id from system.next_to_measure($1)
