-- One row for each city: its records.
insert into report.extremes
    (city, hottest_day, hottest_c, coldest_day, coldest_c, wettest_day, wettest_mm)
select city,
    (array_agg(day order by temp_max_c desc nulls last, day))[1], max(temp_max_c),
    (array_agg(day order by temp_min_c nulls last, day))[1], min(temp_min_c),
    (array_agg(day order by precipitation_mm desc nulls last, day))[1], max(precipitation_mm)
from clean.weather
group by city
on conflict (city) do update set
    hottest_day = excluded.hottest_day, hottest_c = excluded.hottest_c, coldest_day = excluded.coldest_day,
    coldest_c = excluded.coldest_c, wettest_day = excluded.wettest_day, wettest_mm = excluded.wettest_mm
