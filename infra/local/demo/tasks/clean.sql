-- What no instrument can have seen becomes unknown; a pair of temperatures in the wrong order is turned round.
update clean.weather set
    precipitation_mm = case when precipitation_mm between 0 and 500 then precipitation_mm end,
    temp_max_c = greatest(temp_max_c, temp_min_c),
    temp_min_c = least(temp_max_c, temp_min_c),
    wind = case when wind between 0 and 100 then wind end
where precipitation_mm not between 0 and 500 or temp_max_c < temp_min_c or wind not between 0 and 100
