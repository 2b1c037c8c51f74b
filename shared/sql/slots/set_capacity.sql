update slots
set capacity = $2
where key = $1
