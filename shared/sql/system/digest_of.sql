select row_count, digest
from system.digest_of($1, $2, $3)
