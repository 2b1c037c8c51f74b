delete from seals
