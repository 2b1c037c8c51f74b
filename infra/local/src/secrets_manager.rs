//! Secrets Manager on one machine (being written).

use std::io;

/// Where secrets live. The runner's store keeps files of mode 0600 in the data folder.
pub trait SecretStore: Send + Sync + 'static {
    /// The value under a name, or `None`.
    fn read(&self, name: &str) -> io::Result<Option<String>>;
    /// Creates or replaces the value under a name.
    fn write(&self, name: &str, value: &str) -> io::Result<()>;
}
