select count(*) as used from connections
