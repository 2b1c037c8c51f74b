//! The databases and logins on the server, made so that neither side can reach the other.
//!
//! | database | owner, and what it may do |
//! |---|---|
//! | `signalbox` | `signalbox_steward`: creates roles, owns this database; no superuser. The steward function makes the rest |
//! | `signalbox_NAME` | the same, for each database that is asked for beside the first |
//! | `warehouse` | `warehouse`: the demo organisation's own data platform; nothing else |
//!
//! `stack` calls [`Databases::ensure`] at each start; a second time it changes nothing.

use tokio_postgres::Client;

use super::{PostgresError, Server, connect};
use crate::folder::{DataFolder, random_token};

/// How one login reaches one database.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// A loopback address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database.
    pub database: String,
    /// Role.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl Login {
    /// As a URL.
    pub fn url(&self) -> String {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let (user, password) = (encode(&self.user), encode(&self.password));
        format!("postgres://{user}:{password}@{host}:{}/{}", self.port, encode(&self.database))
    }

    /// As the secret that RDS keeps for a function's login.
    pub fn secret(&self, function: &str) -> String {
        self.secret_in(function, None)
    }

    /// The same, of a database beside the first.
    pub fn secret_in(&self, function: &str, database: Option<&str>) -> String {
        serde_json::json!({
            "host": self.host, "port": self.port, "dbname": self.database,
            "username": self.user, "password": self.password, "function": function, "database": database,
        })
        .to_string()
    }

    /// Reads what [`Self::secret`] wrote.
    pub fn read(secret: &str) -> Option<Self> {
        let secret: serde_json::Value = serde_json::from_str(secret).ok()?;
        let text = |field: &str| secret[field].as_str().map(str::to_owned);
        let port = secret["port"].as_u64()?.try_into().ok()?;
        let (host, database) = (text("host")?, text("dbname")?);
        Some(Self { host, port, database, user: text("username")?, password: text("password")? })
    }

    /// The same login in another database.
    pub fn in_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({}@{}:{}/{})", self.user, self.host, self.port, self.database)
    }
}

/// The databases.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Ours, as the steward reaches it.
    pub steward: Login,
    /// Those beside it, by name.
    pub further: Vec<(String, Login)>,
    /// The demo warehouse, as its owner.
    pub warehouse: Login,
    /// Whether the warehouse was made just now and is empty.
    pub warehouse_is_new: bool,
}

impl Databases {
    /// Makes what is missing. `forget` drops both databases first: with a server of our own the folder is gone already,
    /// with one that was given they are not.
    pub async fn ensure(
        server: &Server,
        folder: &DataFolder,
        (further, forget): (&[String], bool),
    ) -> Result<Self, PostgresError> {
        let client = connect(&server.superuser().url()).await.map_err(refused("let us in"))?;
        let login = |name: &str, database: &str| {
            let password = folder.secret(&format!("database-{name}-password"), random_token);
            let password = password
                .map_err(|error| PostgresError::Program { program: "postgres", said: error.to_string() })?;
            let (user, database) = (name.to_owned(), database.to_owned());
            Ok(Login { user, database, password, ..server.superuser().clone() })
        };
        let steward = login("signalbox_steward", "signalbox")?;
        let warehouse = login("warehouse", "warehouse")?;
        role(&client, &steward, "createrole").await?;
        role(&client, &warehouse, "nocreaterole").await?;
        let further: Vec<_> = further
            .iter()
            .map(|name| (name.clone(), steward.in_database(&format!("{}_{name}", steward.database))))
            .collect();
        if forget {
            for (_, steward) in &further {
                drop_database(&client, steward).await?;
            }
            drop_database(&client, &steward).await?;
            drop_database(&client, &warehouse).await?;
        }
        database(&client, &steward).await?;
        let warehouse_is_new = database(&client, &warehouse).await?;
        harden(&server.superuser().in_database(&steward.database)).await?;
        for (_, steward) in &further {
            database(&client, steward).await?;
            harden(&server.superuser().in_database(&steward.database)).await?;
        }
        if server.process().is_some() {
            // Nobody's business: not even the names of what is in there.
            let close = "revoke connect on database postgres, template1 from public";
            client.batch_execute(close).await.map_err(refused("close its own databases"))?;
        }
        Ok(Self { steward, further, warehouse, warehouse_is_new })
    }
}

/// Takes from everybody what an injected expression would need to change its identity, or to leave something behind for the
/// next workspace on its connection: locks of the session, messages, large objects. Only a superuser can; where the server's
/// login is none (as on RDS) the boundary is that no SQL is built from text.
async fn harden(superuser: &Login) -> Result<(), PostgresError> {
    let client = connect(&superuser.url()).await.map_err(refused("let us in"))?;
    let take = "do $$ begin if (select rolsuper from pg_roles where rolname = current_user) then
        revoke execute on function pg_catalog.set_config(text, text, boolean) from public;
        grant execute on function pg_catalog.set_config(text, text, boolean) to signalbox_steward with grant option;
        revoke usage on language plpgsql from public;
        grant usage on language plpgsql to signalbox_steward with grant option;
        revoke execute on function
            pg_catalog.pg_advisory_lock(bigint), pg_catalog.pg_advisory_lock(integer, integer),
            pg_catalog.pg_advisory_lock_shared(bigint), pg_catalog.pg_advisory_lock_shared(integer, integer),
            pg_catalog.pg_try_advisory_lock(bigint), pg_catalog.pg_try_advisory_lock(integer, integer),
            pg_catalog.pg_try_advisory_lock_shared(bigint), pg_catalog.pg_try_advisory_lock_shared(integer, integer),
            pg_catalog.pg_notify(text, text),
            pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea)
        from public;
        end if; end $$";
    client.batch_execute(take).await.map_err(refused("take set_config and others from everybody"))
}

/// What tells our roles from others on a server that was given. Our databases are those that our roles own.
const MARK: &str = "made by the local stack of signalbox";

async fn role(client: &Client, login: &Login, rights: &str) -> Result<(), PostgresError> {
    let (user, password) = (&login.user, &login.password);
    let ask = "select shobj_description(oid, 'pg_authid') from pg_roles where rolname = $1";
    let verb = if is_ours(client, ask, user, MARK).await? { "alter" } else { "create" };
    // All three words are ours: names are constants, passwords are base64url.
    let make = format!(
        "{verb} role {user} login nosuperuser nocreatedb {rights} password '{password}';
        comment on role {user} is '{MARK}';
        do $$ begin if not (select rolsuper from pg_roles where rolname = current_user) then
            grant {user} to current_user; end if; end $$"
    );
    client.batch_execute(&make).await.map_err(refused("make a login"))
}

/// Whether the database was made just now.
async fn database(client: &Client, owner: &Login) -> Result<bool, PostgresError> {
    let (name, user) = (&owner.database, &owner.user);
    let is_new = !is_ours(client, OWNER_OF, name, user).await?;
    if is_new {
        let create = format!("create database {name} owner {user} template template0 encoding 'UTF8'");
        client.batch_execute(&create).await.map_err(refused("make a database"))?;
    }
    let close = format!("revoke all on database {name} from public");
    client.batch_execute(&close).await.map_err(refused("close a database"))?;
    Ok(is_new)
}

async fn drop_database(client: &Client, owner: &Login) -> Result<(), PostgresError> {
    let name = &owner.database;
    if is_ours(client, OWNER_OF, name, &owner.user).await? {
        let drop = format!("drop database {name} with (force)");
        client.batch_execute(&drop).await.map_err(refused("drop a database"))?;
    }
    Ok(())
}

const OWNER_OF: &str = "select pg_get_userbyid(datdba)::text from pg_database where datname = $1";

/// Whether something of this name is there; an error if what is asked of it says that it is somebody else's.
async fn is_ours(client: &Client, ask: &str, name: &str, ours: &str) -> Result<bool, PostgresError> {
    let found = client.query_opt(ask, &[&name]).await.map_err(refused("say what it holds"))?;
    let Some(found) = found else { return Ok(false) };
    let said: Option<String> = found.get(0);
    if said.as_deref() == Some(ours) {
        Ok(true)
    } else {
        Err(PostgresError::NotOurs { name: name.to_owned() })
    }
}

fn refused(tried: &'static str) -> impl FnOnce(tokio_postgres::Error) -> PostgresError {
    move |source| PostgresError::Refused { tried, source }
}
