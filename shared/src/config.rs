//! Configuration: every environment variable that a function reads, read once at start. The names are the same on one machine
//! and in `template.yaml`; `docs/configuration.md` is their list for people. A missing or an unknown `SIGNALBOX_` name
//! refuses the start with one sentence.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::model::tenant::DatabaseName;

/// Which function is starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// Sign-in, first-sign-in provisioning, sessions.
    Signin,
    /// JSON API and web portal.
    Portal,
    /// Due schedules and the sweep.
    Scheduler,
    /// External runs.
    Dispatcher,
    /// Tenant life cycle.
    Steward,
    /// The platform operators' separate door.
    Operators,
}

impl Function {
    /// The function's name: its folder, its package.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signin => "signin",
            Self::Portal => "portal",
            Self::Scheduler => "scheduler",
            Self::Dispatcher => "dispatcher",
            Self::Steward => "steward",
            Self::Operators => "operators",
        }
    }
}

impl std::str::FromStr for Function {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        EVERY.iter().copied().find(|f| f.as_str() == text).ok_or(())
    }
}

use Function::{Dispatcher, Operators, Portal, Scheduler, Signin, Steward};

const EVERY: &[Function] = &[Signin, Portal, Scheduler, Dispatcher, Steward, Operators];

/// Every variable: its name, who needs it, and who may have it besides.
pub const VARIABLES: &[(&str, &[Function], &[Function])] = &[
    ("SIGNALBOX_DATABASE_SECRET_ARN", EVERY, &[]),
    ("SIGNALBOX_DATABASE_CA_FILE", &[], EVERY),
    ("SIGNALBOX_MORE_DATABASES", &[], EVERY),
    ("SIGNALBOX_MORE_DATABASES_PREFIX", &[], EVERY),
    ("SIGNALBOX_ROOT_KEY_SECRET_ARN", &[Portal, Dispatcher, Steward], &[]),
    ("SIGNALBOX_QUEUE_ROOT_SECRET_ARN", &[Portal, Scheduler, Dispatcher], &[]),
    ("SIGNALBOX_SESSION_KEY_SECRET_ARN", &[Signin, Portal, Operators], &[]),
    ("SIGNALBOX_QUEUE_URL", &[Portal, Scheduler, Dispatcher], &[]),
    ("SIGNALBOX_PROVISION_QUEUE_URL", &[Signin, Portal, Steward], &[]),
    ("SIGNALBOX_PUBLIC_URL", &[Signin, Portal, Operators], &[]),
    ("SIGNALBOX_OIDC_AUTHORITY", &[Signin, Operators], &[]),
    ("SIGNALBOX_OIDC_CLIENT_ID", &[Signin, Operators], &[]),
    ("SIGNALBOX_OIDC_CLIENT_SECRET_ARN", &[Signin, Operators], &[]),
    ("SIGNALBOX_ONBOARDING", &[Signin], &[]),
    ("SIGNALBOX_OPERATORS_DIRECTORY_ID", &[Operators], &[]),
    ("SIGNALBOX_EGRESS_ALLOW", &[], &[Signin, Dispatcher, Operators]),
    ("SIGNALBOX_LOGIN_SECRET_ARNS", &[Steward], &[]),
    ("SIGNALBOX_LOGIN_SECRET_PREFIXES", &[], &[Steward]),
    ("SIGNALBOX_SHORTEST_GRACE_S", &[Portal], &[]),
    ("SIGNALBOX_SNAPSHOT_DAYS", &[Steward], &[]),
    ("SIGNALBOX_ARCHIVE_URL", &[Portal, Steward], &[]),
    ("SIGNALBOX_LOG", &[], EVERY),
];

/// How a function reaches its database.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The login's secret: JSON in the shape RDS keeps it.
    pub secret_arn: String,
    /// Databases beside the first, and the secrets of the function's logins there.
    pub more: BTreeMap<DatabaseName, String>,
    /// The certificate authority of the servers. Without it only a loopback address may be reached.
    pub ca_file: Option<PathBuf>,
    /// Connections at most.
    pub max_connections: usize,
    /// How long a caller may wait for a connection while others have them all.
    pub wait: Duration,
}

/// What a function was told. Read a variable with [`Config::get`] or [`Config::optional`].
#[derive(Clone, Debug)]
pub struct Config {
    function: Function,
    values: BTreeMap<&'static str, String>,
}

/// The start is refused: why, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub fn from_env(function: Function) -> Result<Self, ConfigError> {
        Self::from_vars(function, std::env::vars())
    }

    /// Reads given variables: what a test passes.
    pub fn from_vars(
        function: Function,
        vars: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        for (name, value) in vars.filter(|(name, _)| name.starts_with("SIGNALBOX_")) {
            let Some((known, needed, allowed)) = VARIABLES.iter().find(|(known, ..)| *known == name) else {
                return Err(ConfigError(format!("{name} is not a setting of signalbox")));
            };
            if !needed.contains(&function) && !allowed.contains(&function) {
                return Err(ConfigError(format!("{name} is not a setting of the {function:?} function")));
            }
            if !value.is_empty() {
                values.insert(*known, value);
            }
        }
        for (name, needed, _) in VARIABLES {
            if needed.contains(&function) && !values.contains_key(name) {
                return Err(ConfigError(format!("{name} is not set; the {function:?} function needs it")));
            }
        }
        more_databases(&values)?;
        match values.get("SIGNALBOX_LOG").map(String::as_str) {
            None | Some("error" | "warn" | "info" | "debug") => Ok(Self { function, values }),
            Some(_) => Err(ConfigError("SIGNALBOX_LOG is none of error, warn, info, debug".to_owned())),
        }
    }

    /// A variable this function needs; its presence was checked at start.
    pub fn get(&self, name: &str) -> &str {
        self.optional(name).expect("a function reads only what VARIABLES says it needs")
    }

    /// A variable this function may have.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The log level.
    pub fn log(&self) -> &str {
        self.optional("SIGNALBOX_LOG").unwrap_or("info")
    }

    /// How to reach the database. A function handles one event at a time; the dispatcher works several workspaces side by side,
    /// and so does the steward where it migrates them.
    pub fn database(&self) -> DatabaseSettings {
        DatabaseSettings {
            secret_arn: self.get("SIGNALBOX_DATABASE_SECRET_ARN").to_owned(),
            more: more_databases(&self.values).expect("checked at start"),
            ca_file: self.optional("SIGNALBOX_DATABASE_CA_FILE").map(PathBuf::from),
            max_connections: if matches!(self.function, Dispatcher | Steward) { 4 } else { 2 },
            wait: Duration::from_secs(5),
        }
    }
}

/// The databases beside the first, with the secret of the login there: the prefix and the database's name.
fn more_databases(
    values: &BTreeMap<&'static str, String>,
) -> Result<BTreeMap<DatabaseName, String>, ConfigError> {
    let Some(names) = values.get("SIGNALBOX_MORE_DATABASES") else { return Ok(BTreeMap::new()) };
    let prefix = values.get("SIGNALBOX_MORE_DATABASES_PREFIX").ok_or_else(|| {
        ConfigError(
            "SIGNALBOX_MORE_DATABASES_PREFIX is not set; SIGNALBOX_MORE_DATABASES needs it".to_owned(),
        )
    })?;
    let read = |name: &str| match name.parse::<DatabaseName>() {
        Ok(database) => Ok((database, format!("{prefix}{name}"))),
        Err(error) => Err(ConfigError(format!("SIGNALBOX_MORE_DATABASES: {error}"))),
    };
    names.split(',').map(|name| read(name.trim())).collect()
}

/// The SDK's configuration: region, credentials and endpoints from the usual variables.
pub async fn aws() -> aws_config::SdkConfig {
    aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(list: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn a_missing_or_unknown_setting_refuses_the_start_by_name() {
        let missing =
            Config::from_vars(Scheduler, vars(&[("SIGNALBOX_DATABASE_SECRET_ARN", "a")])).unwrap_err();
        assert!(missing.to_string().starts_with("SIGNALBOX_QUEUE_ROOT_SECRET_ARN is not set"), "{missing}");
        let unknown = Config::from_vars(Steward, vars(&[("SIGNALBOX_DATABSE", "a")])).unwrap_err();
        assert!(unknown.to_string().starts_with("SIGNALBOX_DATABSE is not a setting"), "{unknown}");
        let foreign =
            Config::from_vars(Steward, vars(&[("SIGNALBOX_QUEUE_ROOT_SECRET_ARN", "a")])).unwrap_err();
        assert!(foreign.to_string().contains("not a setting of the Steward function"), "{foreign}");
    }

    #[test]
    fn a_further_database_has_its_logins_secret_by_its_name() {
        let read = |names: &str, prefix: Option<&str>| {
            let mut values = BTreeMap::from([("SIGNALBOX_MORE_DATABASES", names.to_owned())]);
            values.extend(prefix.map(|prefix| ("SIGNALBOX_MORE_DATABASES_PREFIX", prefix.to_owned())));
            more_databases(&values).map_err(|error| error.to_string())
        };
        let both = read("north, south", Some("signalbox/portal/")).unwrap();
        assert_eq!(
            both.into_values().collect::<Vec<_>>(),
            ["signalbox/portal/north", "signalbox/portal/south"]
        );
        assert!(read("north", None).unwrap_err().starts_with("SIGNALBOX_MORE_DATABASES_PREFIX is not set"));
        assert!(
            read("north,South", Some("p"))
                .unwrap_err()
                .starts_with("SIGNALBOX_MORE_DATABASES: a database's name")
        );
    }
}
