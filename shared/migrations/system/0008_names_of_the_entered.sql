-- A person's name is their own directory's to know until they have come in. Those who were members before this were seen already.
alter table system.memberships add column entered boolean not null default true;
alter table system.memberships alter column entered set default false;

-- However a session begins, its person has come in.
create function system.note_entrance() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update system.memberships m set entered = true
    where m.tenant_id = new.tenant_id and m.user_id = new.user_id and not m.entered;
    return null;
end
$$;
revoke execute on function system.note_entrance() from public;
create trigger note_entrance after insert on system.sessions for each row execute function system.note_entrance();

create or replace function system.members(p_after uuid, p_limit integer)
    returns table (user_id uuid, display_name text, directory_id uuid, object_id uuid, role text, version integer,
                   created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select u.id, case when m.entered then u.display_name else '' end, u.directory_id, u.object_id, m.role, m.version, m.created_at, m.updated_at
    from system.memberships m join system.users u on u.id = m.user_id
    where m.tenant_id = system.tenant() and m.state = 'active' and (p_after is null or u.id < p_after)
    order by u.id desc limit p_limit
$$;

create or replace function system.member(p_user uuid)
    returns table (user_id uuid, display_name text, directory_id uuid, object_id uuid, role text, version integer,
                   created_at timestamptz, updated_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
as $$
    select u.id, case when m.entered then u.display_name else '' end, u.directory_id, u.object_id, m.role, m.version, m.created_at, m.updated_at
    from system.memberships m join system.users u on u.id = m.user_id
    where m.tenant_id = system.tenant() and m.state = 'active' and u.id = p_user
$$;
