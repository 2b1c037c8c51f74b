-- The demo's warehouse, as its owner prepares it. The raw table holds the file as it came: text, whatever it says.
create schema raw;
create table raw.weather (
    location text,
    date text,
    precipitation text,
    temp_max text,
    temp_min text,
    wind text,
    weather text
);

create schema clean;
create table clean.weather (
    city text not null,
    day date not null,
    precipitation_mm numeric(6, 1),
    temp_max_c numeric(4, 1),
    temp_min_c numeric(4, 1),
    wind numeric(5, 1),
    sky text not null,
    primary key (city, day)
);

create schema report;
create table report.months (
    city text not null,
    month date not null,
    days integer not null,
    precipitation_mm numeric(8, 1) not null,
    temp_mean_c numeric(4, 1) not null,
    wet_days integer not null,
    primary key (city, month)
);
create table report.extremes (
    city text primary key,
    hottest_day date not null,
    hottest_c numeric(4, 1) not null,
    coldest_day date not null,
    coldest_c numeric(4, 1) not null,
    wettest_day date not null,
    wettest_mm numeric(6, 1) not null
);

-- A quality check: fails the statement, and with it the task, unless the claim holds.
create function report.require(holds boolean, claim text) returns text
    language plpgsql as $$
begin
    if holds is not true then
        raise exception 'quality check failed: %', claim using errcode = 'check_violation';
    end if;
    return claim;
end
$$;

-- Where signalbox notes, in the transaction of the work itself, that an attempt is done.
create schema signalbox;
create table signalbox.attempts (
    attempt_id uuid primary key,
    finished_at timestamptz not null,
    outputs jsonb
);
