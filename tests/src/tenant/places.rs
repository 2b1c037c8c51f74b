//! Where the workspaces of tests are made, and which of them stand side by side.

/// Where a fixture's workspace is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In a schema of its own.
    Schema,
    /// In the pool that all pooled workspaces of a stack share.
    Pooled,
    /// In a database of its own: one of those that the stack was started with and that nobody has yet.
    Dedicated,
}

/// Every two placements that can stand side by side in one database.
pub const PAIRS: [(Placement, Placement); 4] = [
    (Placement::Schema, Placement::Schema),
    (Placement::Pooled, Placement::Pooled),
    (Placement::Pooled, Placement::Schema),
    (Placement::Schema, Placement::Pooled),
];

/// Two in two databases: out of one of one's own, and into it, and from one to another.
pub const APART: [(Placement, Placement); 4] = [
    (Placement::Dedicated, Placement::Schema),
    (Placement::Schema, Placement::Dedicated),
    (Placement::Dedicated, Placement::Pooled),
    (Placement::Dedicated, Placement::Dedicated),
];

impl Placement {
    /// As the steward's orders name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Pooled => "pooled",
            Self::Dedicated => "dedicated",
        }
    }
}
