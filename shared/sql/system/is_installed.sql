select to_regclass('system.migrations') is not null as yes
