-- Text becomes numbers and dates; of two rows for the same day one is kept; loading again changes nothing.
insert into clean.weather (city, day, precipitation_mm, temp_max_c, temp_min_c, wind, sky)
select distinct on (trim(location), date::date)
    trim(location), date::date, precipitation::numeric, temp_max::numeric, temp_min::numeric, wind::numeric,
    lower(trim(weather))
from raw.weather
where date::date >= $1::date
order by trim(location), date::date
on conflict (city, day) do update set
    precipitation_mm = excluded.precipitation_mm, temp_max_c = excluded.temp_max_c, temp_min_c = excluded.temp_min_c,
    wind = excluded.wind, sky = excluded.sky
