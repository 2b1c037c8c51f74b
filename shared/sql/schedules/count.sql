select count(*) as used from schedules
