//! What the steward does to one workspace over several steps: its kinds and states. Pure.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Lets the leases of what is being started run out, then makes the workspace read-only.
    Suspend,
    /// Takes the workspace's rows to another schema. The platform asks for it, not the workspace.
    Move,
    /// Waits for the grace to end, then takes the workspace away and certifies it.
    Deletion,
    /// Writes everything that is held for the workspace as JSON lines, signed.
    Export,
    /// Writes the workspace's rows, sealed under its key.
    Backup,
    /// Makes a backup the workspace, or a workspace beside it.
    Restore,
    /// Removes an export or a backup.
    Expiry,
    /// Gives the workspace's keys a new version and seals everything anew.
    Rotation,
}

/// The state of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Asked for; not begun.
    Pending,
    /// The steward is at it.
    Running,
    /// Done.
    Succeeded,
    /// Given up; `error` says why.
    Failed,
    /// Taken back: nothing of it is left.
    Cancelled,
}

/// A text that names no kind of operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of operation")]
pub struct UnknownKind(String);

impl OperationKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Suspend,
        Self::Move,
        Self::Deletion,
        Self::Export,
        Self::Backup,
        Self::Restore,
        Self::Expiry,
        Self::Rotation,
    ];

    /// The text used in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Move => "move",
            Self::Deletion => "deletion",
            Self::Export => "export",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Expiry => "expiry",
            Self::Rotation => "rotation",
        }
    }

    /// Whether it has a way back, which it takes after enough failures or when somebody cancels it. What must be finished is tried
    /// until it is.
    #[must_use]
    pub const fn may_be_given_up(self) -> bool {
        match self {
            Self::Suspend | Self::Move | Self::Deletion | Self::Expiry | Self::Rotation => false,
            Self::Export | Self::Backup | Self::Restore => true,
        }
    }

    /// Whether a workspace has only one operation like this at a time; the others only read. A rotation goes on beside the others,
    /// but never beside a second one.
    #[must_use]
    pub const fn is_exclusive(self) -> bool {
        match self {
            Self::Suspend | Self::Move | Self::Deletion | Self::Restore => true,
            Self::Export | Self::Backup | Self::Expiry | Self::Rotation => false,
        }
    }
}

impl FromStr for OperationKind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
