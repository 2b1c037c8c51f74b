-- Each line fails the task unless its claim holds.
select
    report.require((select sum(days) from report.months) = (select count(*) from clean.weather),
        'every day is in exactly one month') as months,
    report.require((select count(*) filter (where precipitation_mm is null) * 100 <= count(*) from clean.weather),
        'at most one day in a hundred lacks its precipitation') as completeness,
    report.require((select bool_and(hottest_c > coldest_c) from report.extremes),
        'the hottest day is hotter than the coldest') as extremes
