-- One row for each city and month.
insert into report.months (city, month, days, precipitation_mm, temp_mean_c, wet_days)
select city, date_trunc('month', day)::date, count(*), coalesce(sum(precipitation_mm), 0),
    round(avg((temp_max_c + temp_min_c) / 2), 1), count(*) filter (where precipitation_mm >= 1)
from clean.weather
group by 1, 2
on conflict (city, month) do update set
    days = excluded.days, precipitation_mm = excluded.precipitation_mm, temp_mean_c = excluded.temp_mean_c,
    wet_days = excluded.wet_days
