select system.invitation_end($1) as ended
