//! As whom Postgres runs. It refuses root, which is what a container or a fresh virtual machine often is.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{PostgresError, system};

/// The command line of a user namespace in which root has another number. Files stay root's, so it works below a
/// closed folder too.
const NAMESPACE: [&str; 4] = ["unshare", "--user", "--map-user=1000", "--map-group=1000"];
/// A user with no rights: nobody.
const NOBODY: u32 = 65_534;

/// The user that Postgres runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The runner's own.
    Own,
    /// The runner's own, under another number.
    Namespace,
    /// This user and group, to whom the data belong.
    User(u32),
}

impl Identity {
    /// The best way here: our own user unless that is root. Data that exist already stay with the user who owns them.
    pub fn choose(data: &Path) -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Own;
        }
        if let Some(owner) = fs::metadata(data).ok().map(|data| data.uid()).filter(|owner| *owner != 0) {
            return Self::User(owner);
        }
        let [unshare, arguments @ ..] = NAMESPACE;
        let tried = Command::new(unshare).args(arguments).arg("true").stdin(Stdio::null()).output();
        if tried.is_ok_and(|output| output.status.success()) { Self::Namespace } else { Self::User(NOBODY) }
    }

    /// What stands before the command line.
    pub fn prefix(self) -> Vec<OsString> {
        match self {
            Self::Namespace => NAMESPACE.iter().map(OsString::from).collect(),
            Self::Own | Self::User(_) => Vec::new(),
        }
    }

    /// The user and group to change to.
    pub fn user(self) -> Option<(u32, u32)> {
        match self {
            Self::User(id) => Some((id, id)),
            Self::Own | Self::Namespace => None,
        }
    }

    /// A command that runs to its end as this user.
    pub fn command(self, program: &Path) -> Command {
        let mut words = self.prefix().into_iter().chain([program.as_os_str().to_owned()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        if let Some((user, group)) = self.user() {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes sure that this user reaches the programs, and owns and reaches the folder of the data.
    pub fn prepare(self, bin: &Path, data: &Path) -> Result<(), PostgresError> {
        let Self::User(id) = self else { return Ok(()) };
        if let Some(ours) = data.parent() {
            // Closed but for passing through: what is in it has modes of its own.
            fs::set_permissions(ours, fs::Permissions::from_mode(0o711))
                .map_err(system("open the data folder"))?;
        }
        for folder in bin.ancestors().chain(data.ancestors().skip(1)) {
            let mode = fs::metadata(folder).map_err(system("look at a folder"))?.permissions().mode();
            if mode & 0o001 == 0 {
                return Err(PostgresError::Root { closed: folder.to_owned() });
            }
        }
        fs::create_dir_all(data).map_err(system("make the database's folder"))?;
        chown(data, Some(id), Some(id)).map_err(system("give Postgres its folder"))
    }
}
