select system.count_members() as used
