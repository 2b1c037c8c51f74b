//! The functions' own secrets: files of the data folder, served by the local Secrets Manager.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::folder::{DataFolder, FolderError, random_keys, random_token};
use crate::postgres::{Databases, Login};
use crate::secrets_manager::SecretStore;
use crate::settings::{self, FUNCTIONS};

pub(super) const ROOT_KEY: &str = "root-key";
pub(super) const QUEUE_ROOT: &str = "queue-root";
pub(super) const SESSION_KEY: &str = "session-key";
pub(super) const OIDC_CLIENT: &str = "oidc-client";
pub(super) const OPERATORS_SESSION_KEY: &str = "operators-session-key";
pub(super) const OPERATORS_OIDC_CLIENT: &str = "operators-oidc-client";

/// The name of a function's database login.
pub(super) fn login(function: &str) -> String {
    format!("login-{function}")
}

/// The same in a database beside the first.
pub(super) fn login_in(function: &str, database: &str) -> String {
    format!("{}{database}", prefix(function))
}

/// What the names of a function's logins in databases beside the first begin with.
pub(super) fn prefix(function: &str) -> String {
    format!("login-{function}-")
}

/// Makes what is missing, and writes the logins anew: the server's port may be another today.
pub(super) fn write(folder: &DataFolder, databases: &Databases) -> Result<(), FolderError> {
    for name in [ROOT_KEY, QUEUE_ROOT, SESSION_KEY, OPERATORS_SESSION_KEY] {
        folder.secret(name, random_keys)?;
    }
    for function in FUNCTIONS {
        let own = own_login(folder, &databases.steward, function, function)?;
        folder.write(&format!("secrets/{}", login(function)), &own.secret(function))?;
        for (name, steward) in &databases.further {
            let own = own_login(folder, steward, function, &format!("{function}_{name}"))?;
            let secret = own.secret_in(function, Some(name));
            folder.write(&format!("secrets/{}", login_in(function, name)), &secret)?;
        }
    }
    Ok(())
}

/// Every function but the steward has a login of its own in each database.
fn own_login(folder: &DataFolder, steward: &Login, function: &str, name: &str) -> Result<Login, FolderError> {
    Ok(match function {
        "steward" => steward.clone(),
        _ => Login {
            user: format!("signalbox_{name}"),
            password: folder.secret(&format!("database-{name}-password"), random_token)?,
            ..steward.clone()
        },
    })
}

/// The files that the local Secrets Manager may read and write. Others in the same folder (the superuser's password,
/// the provider's keys) are the runner's alone.
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    pub(super) fn new(folder: &DataFolder) -> Self {
        Self { folder: folder.secrets() }
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        let fixed =
            [ROOT_KEY, QUEUE_ROOT, SESSION_KEY, OIDC_CLIENT, OPERATORS_SESSION_KEY, OPERATORS_OIDC_CLIENT];
        let is_login = |function: &&str| {
            login(function) == name
                || name.strip_prefix(&prefix(function)).is_some_and(settings::is_database_name)
        };
        let known = fixed.contains(&name) || FUNCTIONS.iter().any(is_login);
        known.then(|| self.folder.join(name))
    }
}

impl SecretStore for Store {
    fn read(&self, name: &str) -> io::Result<Option<String>> {
        let Some(file) = self.file(name) else { return Ok(None) };
        match fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            text => text.map(Some),
        }
    }

    fn write(&self, name: &str, value: &str) -> io::Result<()> {
        let file = self.file(name).ok_or(io::ErrorKind::PermissionDenied)?;
        // The file is there with its mode from the first start on.
        fs::write(file, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_serves_the_functions_secrets_and_no_other_file() {
        let path = std::env::temp_dir().join(format!("signalbox-secrets-{}", std::process::id()));
        let folder = DataFolder::open(&path, true).unwrap();
        folder.secret("database-superuser", random_token).unwrap();
        let (host, database, user) =
            ("127.0.0.1".to_owned(), "signalbox".to_owned(), "signalbox_steward".to_owned());
        let steward = Login { host, port: 1, database, user, password: "p".to_owned() };
        let further = vec![("north".to_owned(), steward.in_database("signalbox_north"))];
        let warehouse = steward.in_database("warehouse");
        write(&folder, &Databases { steward, further, warehouse, warehouse_is_new: false }).unwrap();
        let store = Store::new(&folder);
        let portal: serde_json::Value =
            serde_json::from_str(&store.read("login-portal").unwrap().unwrap()).unwrap();
        assert_eq!(
            (&portal["username"], &portal["function"]),
            (&"signalbox_portal".into(), &"portal".into())
        );
        let north: serde_json::Value =
            serde_json::from_str(&store.read("login-portal-north").unwrap().unwrap()).unwrap();
        assert_eq!(
            [&north["username"], &north["dbname"], &north["database"]],
            ["signalbox_portal_north", "signalbox_north", "north"]
        );
        for name in ["database-superuser", "login-portal-../lock", "../lock", "oidc-keys", ""] {
            assert_eq!(store.read(name).unwrap(), None, "{name}");
            assert!(store.write(name, "x").is_err());
        }
        fs::remove_dir_all(path).unwrap();
    }
}
