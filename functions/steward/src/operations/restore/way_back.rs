//! The way back of a restore that is not made: what was loaded goes, and everything is as it was before.

use lambda_runtime::Error;
use shared::{
    archive::{ArchiveKind, Shelf, manifest::Unfit},
    db::placement,
    store::restores,
};

use super::{Into, RETIRE, Restore};
use crate::operations::{Next, undo};

impl Restore<'_> {
    /// The way back from what the backup turned out to be.
    pub(super) fn back(&self, why: &Unfit) -> Next {
        undo::back(self.taken, &unfit(why))
    }

    /// Everything is as it was before, unless the last step was done after all and only its answer was lost.
    pub(super) async fn undo(&self) -> Result<Next, Error> {
        let (tx, into) = (self.alone("undo").await?, self.request.into);
        if placement::is_routed(&tx, &self.target.schema).await? {
            tx.rollback().await?;
            return Ok(self.next(if into == Into::Replace { RETIRE } else { "open" }));
        }
        let is_kept = restores::is_kept(&tx, self.plans.kept).await?;
        tx.unhurried().await?;
        if into == Into::Sandbox {
            restores::forget_sandbox(&tx, self.target.tenant).await?;
        }
        placement::drop_schema(tx, &self.target.schema).await?;
        if into == Into::Sandbox {
            self.steward.displace(self.target.tenant).await?;
        } else if !is_kept {
            // Parts of a backup that nobody would ever end.
            let (tenant, id) = (self.taken.route.tenant, self.plans.kept);
            self.steward.archive.remove(Shelf { tenant, kind: ArchiveKind::Backup, id }).await?;
        }
        Ok(undo::undone(self.taken))
    }
}

/// What a backup turned out to be, for the people of the workspace.
pub(super) fn unfit(why: &Unfit) -> String {
    format!("the backup cannot be restored: {why}")
}
