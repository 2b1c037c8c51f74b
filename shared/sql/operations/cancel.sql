select system.operation_cancel($1) as yes
