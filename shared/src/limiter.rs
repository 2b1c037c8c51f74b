//! How many calls a workspace may make, over all instances of a function together.
//!
//! Tokens are in a bucket of the workspace, a row of `system.rate_buckets`. An instance leases a block of them and spends it from
//! memory: a call inside a block costs nothing, and the row is written once a block, not once a call. Where the bucket is empty
//! the instance refuses by itself until a block may have come together. What was let through and refused goes to
//! `system.usage` with the next lease.
//!
//! Over any time `t`, at most `burst + rate × t + block × instances` calls are let through: a bucket gives `burst + rate × t`, and
//! an instance may have held most of a block from before. The portal asks here once a request, after it knows the caller's
//! workspace and before anything is read of it. A call that took long is charged for it afterwards: what its instance has no
//! tokens for is owed to the bucket, and told with the next lease. Never here: who the caller is.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use crate::{
    db::{Database, SystemRole, SystemTx},
    error::DbError,
    model::{ids::TenantId, limit::Limit, tenant::DatabaseName},
    store::limits::{self, Ask, Block},
};

/// What is limited. Another bucket is another name here and in the CHECK of `system.rate_buckets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Calls of the API.
    Api,
    /// Webhooks that come in.
    Webhook,
}

impl Bucket {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Webhook => "webhook",
        }
    }

    const fn limits(self) -> [Limit; 2] {
        match self {
            Self::Api => [Limit::ApiRate, Limit::ApiBurst],
            Self::Webhook => [Limit::WebhookRate, Limit::WebhookBurst],
        }
    }
}

/// Where a workspace stands with one of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the call is let through.
    pub is_admitted: bool,
    /// How many calls the bucket holds.
    pub burst: i64,
    /// How many it gains a second.
    pub rate: i64,
}

/// Seconds after which a bucket that was empty has a token: no rate is below one a second.
pub const RETRY_AFTER_S: u32 = 1;
/// Counts are told at least this often, in seconds, as long as the instance is asked anything at all.
const TELL_S: i64 = 60;
/// No call waits longer for that: the counts are those of other workspaces too, and one of their databases may be silent.
const TELLING: Duration = Duration::from_secs(2);
/// A lease that was not used for this long is forgotten, in seconds.
const FORGET_S: i64 = 600;
/// An instance asks an empty bucket again after as long as a block takes, within these, in milliseconds.
const AGAIN_MS: [i64; 2] = [20, 1000];

/// Calls that were let through and refused, by workspace.
type Counts = Vec<(TenantId, [i64; 2])>;

/// The tokens of one instance of a function.
pub struct Limiter {
    database: Database,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    leases: HashMap<(TenantId, Bucket), Lease>,
    told_at: Option<Timestamp>,
}

/// What is left of a block, and what is not told yet.
#[derive(Clone, Copy)]
struct Lease {
    left: i64,
    rate: i64,
    burst: i64,
    /// Until then an empty bucket is not asked again.
    empty_until: Timestamp,
    used_at: Timestamp,
    untold: Untold,
}

/// What the bucket is told with the next lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Untold {
    /// Let through and refused.
    counts: [i64; 2],
    /// Tokens that calls have cost beyond those that were there.
    owed: i64,
}

impl Limiter {
    /// An instance's limiter, without tokens.
    pub fn new(database: Database) -> Self {
        Self { database, held: Mutex::default() }
    }

    /// Spends one token of a workspace's bucket. None where the workspace cannot be entered: whoever opens its scope says so.
    pub async fn admit(
        &self,
        tenant: TenantId,
        bucket: Bucket,
        now: Timestamp,
    ) -> Result<Option<Standing>, DbError> {
        self.tell(now).await;
        if let Some(standing) = self.lock().spend((tenant, bucket), now) {
            return Ok(Some(standing));
        }
        let untold = self.lock().take_untold((tenant, bucket));
        let Untold { counts, owed } = untold;
        let ask = Ask { tenant, bucket: bucket.as_str(), initial: bucket.limits(), counts, owed };
        let tx = match self.begin(tenant).await {
            Ok(tx) => tx,
            Err(error) => {
                self.lock().put_back((tenant, bucket), untold);
                return Err(error);
            }
        };
        // Where this fails nobody knows whether the counts were taken: they are not told again.
        let Some(block) = limits::lease(tx, ask).await? else { return Ok(None) };
        let mut held = self.lock();
        held.keep((tenant, bucket), block, now);
        Ok(held.spend((tenant, bucket), now))
    }

    /// Undoes a call that was let through and turned out to be nobody's.
    pub fn give_back(&self, tenant: TenantId, bucket: Bucket) {
        if let Some(lease) = self.lock().leases.get_mut(&(tenant, bucket)) {
            lease.left += 1;
            lease.untold.counts[0] -= 1;
        }
    }

    /// Spends tokens beyond the one that a call was let through for. Where the instance has too few, the rest is owed.
    pub fn charge(&self, tenant: TenantId, bucket: Bucket, tokens: i64) {
        if let Some(lease) = self.lock().leases.get_mut(&(tenant, bucket)) {
            lease.charge(tokens);
        }
    }

    /// Tells counts that have waited for their workspace's next call for long.
    async fn tell(&self, now: Timestamp) {
        let Some(counts) = self.lock().take_old(now) else { return };
        if counts.is_empty() {
            return;
        }
        let tells = self.by_database(counts).await.into_iter().map(|(name, counts)| async move {
            let home =
                name.and_then(|name| self.database.named(&name)).unwrap_or_else(|| self.database.first());
            let told = async {
                let tx = SystemTx::begin(&home, SystemRole::Portal, "tell calls").await?;
                limits::note_calls(tx, &counts).await
            };
            let late = || DbError::Unavailable("it took too long".into());
            if let Err(error) = timeout(TELLING, told).await.unwrap_or_else(|_| Err(late())) {
                tracing::warn!(%error, workspaces = counts.len(), "calls are not counted");
            }
        });
        join_all(tells).await;
    }

    /// Counts, by the database in which their workspaces are. Of one that cannot be found nothing is told.
    async fn by_database(&self, counts: Counts) -> BTreeMap<Option<DatabaseName>, Counts> {
        let homes = counts.iter().map(|count| timeout(TELLING, self.database.home_of(count.0)));
        let homes = join_all(homes).await;
        let mut all: BTreeMap<_, Counts> = BTreeMap::new();
        for (count, home) in counts.into_iter().zip(homes) {
            if let Ok(Ok(home)) = home {
                all.entry(home.name().cloned()).or_default().push(count);
            }
        }
        all
    }

    async fn begin(&self, tenant: TenantId) -> Result<SystemTx, DbError> {
        let home = self.database.home_of(tenant).await?;
        SystemTx::begin(&home, SystemRole::Portal, "lease tokens").await
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Spends from memory, or refuses from memory. None where the bucket is to be asked.
    fn spend(&mut self, of: (TenantId, Bucket), now: Timestamp) -> Option<Standing> {
        let lease = self.leases.get_mut(&of)?;
        let is_admitted = lease.left > 0;
        if !is_admitted && now >= lease.empty_until {
            return None;
        }
        lease.left -= i64::from(is_admitted);
        lease.untold.counts[usize::from(!is_admitted)] += 1;
        lease.used_at = now;
        Some(Standing { is_admitted, burst: lease.burst, rate: lease.rate })
    }

    /// Takes a block into use. An empty one means that the bucket is not asked until another may have come together.
    fn keep(&mut self, of: (TenantId, Bucket), block: Block, now: Timestamp) {
        let [least, most] = AGAIN_MS;
        let wait_ms =
            if block.granted > 0 { 0 } else { (block.block * 1000 / block.rate.max(1)).clamp(least, most) };
        let empty_until = now.checked_add(SignedDuration::from_millis(wait_ms)).unwrap_or(now);
        let lease = self.leases.entry(of).or_insert(Lease {
            left: 0,
            rate: block.rate,
            burst: block.burst,
            empty_until,
            used_at: now,
            untold: Untold::default(),
        });
        *lease = Lease {
            left: lease.left + block.granted,
            rate: block.rate,
            burst: block.burst,
            empty_until,
            ..*lease
        };
    }

    fn take_untold(&mut self, of: (TenantId, Bucket)) -> Untold {
        self.leases.get_mut(&of).map(|lease| std::mem::take(&mut lease.untold)).unwrap_or_default()
    }

    fn put_back(&mut self, of: (TenantId, Bucket), untold: Untold) {
        if let Some(lease) = self.leases.get_mut(&of) {
            lease.untold.counts[0] += untold.counts[0];
            lease.untold.counts[1] += untold.counts[1];
            lease.untold.owed += untold.owed;
        }
    }

    /// Once in a while: all counts that are not told, and leases that nobody used are forgotten.
    fn take_old(&mut self, now: Timestamp) -> Option<Counts> {
        let told_at = *self.told_at.get_or_insert(now);
        if now.duration_since(told_at).as_secs() < TELL_S {
            return None;
        }
        self.told_at = Some(now);
        let mut counts = Vec::new();
        for ((tenant, bucket), lease) in &mut self.leases {
            if *bucket == Bucket::Api && lease.untold.counts != [0, 0] {
                counts.push((*tenant, std::mem::take(&mut lease.untold.counts)));
            }
        }
        self.leases.retain(|_, lease| {
            lease.untold.counts != [0, 0] || now.duration_since(lease.used_at).as_secs() < FORGET_S
        });
        Some(counts)
    }
}

impl Lease {
    fn charge(&mut self, tokens: i64) {
        let held = tokens.min(self.left);
        self.left -= held;
        self.untold.owed += tokens - held;
    }
}

impl Standing {
    /// Seconds in which an empty bucket fills.
    #[must_use]
    pub const fn window_s(self) -> i64 {
        (self.burst + self.rate - 1) / self.rate
    }
}

#[cfg(test)]
mod tests;
