-- Tries, as whoever calls it, to read and to change a workspace's rows. Each attempt is taken back, so that a fence that does
-- not hold is seen and nothing is lost. Not a definer function: it can do nothing that its caller could not.
create or replace function system.try_to_cross(p_schema text, p_tenant uuid, p_tables text[])
    returns table (attempts integer, crossed text[])
    language plpgsql volatile security invoker
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_table text;
    v_verb text;
    v_count bigint;
    v_is_shared boolean := p_schema = current_setting('role');
begin
    attempts := 0;
    crossed := '{}';
    foreach v_table in array p_tables loop
        foreach v_verb in array array['select', 'insert', 'update', 'delete'] loop
            attempts := attempts + 1;
            begin
                case v_verb
                    when 'select' then
                        execute format('select from %I.%I where tenant_id = $1 limit 1', p_schema, v_table) using p_tenant;
                    when 'insert' then
                        execute format('insert into %I.%I (tenant_id) values ($1)', p_schema, v_table) using p_tenant;
                    when 'update' then
                        execute format('update %I.%I set tenant_id = tenant_id where tenant_id = $1', p_schema, v_table) using p_tenant;
                    else
                        execute format('delete from %I.%I where tenant_id = $1', p_schema, v_table) using p_tenant;
                end case;
                get diagnostics v_count = row_count;
                -- In a schema that several share, the statement may run; it must find nothing.
                if v_count > 0 or not v_is_shared then
                    raise exception using errcode = 'SB999', message = 'crossed';
                end if;
            exception
                when insufficient_privilege then null;
                -- It is gone or replaced, older than the list of tables, or locked: nothing was reached.
                when undefined_table or invalid_schema_name or lock_not_available then null;
                when sqlstate 'SB999' then crossed := crossed || (v_verb || ' ' || v_table);
                when others then crossed := crossed || (v_verb || ' ' || v_table || ' ' || sqlstate);
            end;
        end loop;
    end loop;
    return next;
end
$$;
