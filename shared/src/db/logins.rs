//! The functions' database logins. A login owns nothing and inherits nothing; all it may do by itself is call
//! `system.authorize` (the operators' login: `system.authorize_operator`), and only where its function enters workspaces.
//! Called by the steward's install.

use super::{
    Database, FromRow, Row, SystemRole, SystemTx,
    migrate::{server_version, without_inheritance},
};
use crate::{config::Function, error::DbError, sql};

/// One login to make or bring up to date.
pub struct Login<'a> {
    /// Whose it is.
    pub function: Function,
    /// Its name.
    pub name: &'a str,
    /// Its password, as its secret has it.
    pub password: &'a str,
}

/// Makes the login, sets its password and gives it exactly what its function needs. May run again at any time.
pub async fn ensure(database: &Database, login: &Login<'_>) -> Result<(), DbError> {
    let tx = SystemTx::begin(database, SystemRole::Steward, "login").await?;
    let server = server_version(&tx).await?;
    // The values travel as parameters and reach the DDL inside the server, so no statement's text holds a password.
    tx.rows(
        "select set_config('app.login_name', $1, true), set_config('app.login_password', $2, true), \
                set_config('app.login_roles', $3, true), set_config('app.login_options', $4, true), \
                set_config('app.login_connections', $5::text, true)",
        &[
            &login.name,
            &login.password,
            &roles(login.function),
            &without_inheritance(server),
            &connections(login.function).to_string(),
        ],
    )
    .await?;
    tx.script(MAKE).await?;
    if let Some(grant) = way_in(login.function) {
        tx.script(grant).await?;
    }
    tx.execute(sql!("system/put_login.sql"), &[&login.name, &login.function.as_str()]).await?;
    tx.commit().await
}

/// The steward's own login: it enters workspaces to do what takes several steps. May run again at any time.
pub async fn ensure_own(database: &Database) -> Result<(), DbError> {
    let tx = SystemTx::begin(database, SystemRole::Steward, "own login").await?;
    let server = server_version(&tx).await?;
    tx.rows(
        "select set_config('app.login_name', session_user, true), set_config('app.login_options', $1, true)",
        &[&without_inheritance(server)],
    )
    .await?;
    tx.script(ENTER).await?;
    tx.script(MAY_AUTHORIZE).await?;
    let own: Own = tx.one(sql!("system/own_login.sql"), &[]).await?;
    tx.execute(sql!("system/put_login.sql"), &[&own.0, &Function::Steward.as_str()]).await?;
    tx.commit().await
}

struct Own(String);

impl FromRow for Own {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self(row.try_get("name")?))
    }
}

/// What a function that enters workspaces may call by itself.
fn way_in(function: Function) -> Option<&'static str> {
    match function {
        Function::Portal | Function::Dispatcher => Some(MAY_AUTHORIZE),
        Function::Operators => Some(MAY_AUTHORIZE_OPERATOR),
        Function::Signin | Function::Scheduler | Function::Steward => None,
    }
}

/// The group roles a function's transactions take on.
fn roles(function: Function) -> &'static str {
    match function {
        Function::Signin => "system_signin",
        Function::Portal => "system_portal,cell_0001",
        Function::Scheduler => "system_scheduler",
        Function::Dispatcher => "system_dispatcher,cell_0001",
        Function::Steward => "",
        Function::Operators => "system_operators,cell_0001",
    }
}

/// Connections that a function's instances may hold all together: its reserved concurrency times its pool, and a few for those
/// that a deployment replaces. With the steward's they fit into the server's `max_connections` (a test adds them up).
pub const fn connections(function: Function) -> usize {
    match function {
        Function::Signin => 44,
        Function::Portal => 130,
        Function::Scheduler => 10,
        Function::Dispatcher => 88,
        Function::Steward => 12,
        Function::Operators => 12,
    }
}

const MAKE: &str = "
do $$
declare
    v_name text := current_setting('app.login_name');
    v_role text;
begin
    if not exists (select from pg_catalog.pg_roles where rolname = v_name) then
        execute format('create role %I login noinherit', v_name);
    end if;
    execute format('alter role %I login noinherit password %L', v_name, current_setting('app.login_password'));
    execute format('alter role %I set search_path = %L', v_name, '');
    execute format('alter role %I set statement_timeout = %L', v_name, '30s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', v_name, '30s');
    if current_setting('server_version_num')::integer >= 170000 then
        execute format('alter role %I set transaction_timeout = %L', v_name, '60s');
    end if;
    execute format('alter role %I connection limit %s', v_name, current_setting('app.login_connections'));
    execute format('grant connect on database %I to %I', current_database(), v_name);
    foreach v_role in array string_to_array(current_setting('app.login_roles'), ',') loop
        execute format('grant %I to %I%s', v_role, v_name, current_setting('app.login_options'));
        -- Whoever enters the first cell enters each.
        if v_role = 'cell_0001' then
            for v_role in select rolname from pg_catalog.pg_roles where rolname ~ '^cell_[0-9]{4}$' loop
                execute format('grant %I to %I%s', v_role, v_name, current_setting('app.login_options'));
            end loop;
        end if;
    end loop;
end
$$;
set local role signalbox_owner;
";

const ENTER: &str = "
do $$
declare
    v_cell text;
begin
    for v_cell in select rolname from pg_catalog.pg_roles where rolname ~ '^cell_[0-9]{4}$' loop
        execute format('grant %I to %I%s', v_cell, session_user, current_setting('app.login_options'));
    end loop;
end
$$;
set local role signalbox_owner;
";

const MAY_AUTHORIZE: &str = "
do $$
begin
    execute format('grant usage on schema system to %I', current_setting('app.login_name'));
    execute format('grant execute on function system.authorize(uuid, bytea, uuid, uuid, text, text, text[]) to %I', current_setting('app.login_name'));
end
$$;
";

const MAY_AUTHORIZE_OPERATOR: &str = "
do $$
begin
    execute format('grant usage on schema system to %I', current_setting('app.login_name'));
    execute format('grant execute on function system.authorize_operator(uuid, uuid, uuid, text) to %I', current_setting('app.login_name'));
end
$$;
";
