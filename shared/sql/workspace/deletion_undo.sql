select system.deletion_undo()
