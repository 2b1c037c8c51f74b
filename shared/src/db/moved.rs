//! Workspaces that moved after a token or a message had named their place. A scope that is refused puts the place in doubt for a
//! moment and may be tried again; those that begin in that moment look it up first, and a refusal after that is meant. `tx.rs`
//! alone uses it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tokio_postgres::SimpleQueryMessage;

use crate::model::{
    ids::TenantId,
    tenant::{Route, SchemaName},
};

/// More than this are not remembered; what is forgotten is looked up again.
const MOST: usize = 10_000;

/// How long a place is in doubt after a refusal: longer than whoever was refused takes to try again, so that each who was refused
/// looks it up for itself, however many there are at once.
const DOUBT: Duration = Duration::from_secs(2);

/// Where workspaces were found that are, or might be, elsewhere than their tokens say.
#[derive(Clone, Default)]
pub(super) struct Moved(Arc<RwLock<HashMap<TenantId, Known>>>);

#[derive(Clone)]
struct Known {
    schema: SchemaName,
    /// When a scope was last refused there.
    refused_at: Option<Instant>,
}

/// A scope's way to its workspace.
pub(super) struct Way {
    moved: Moved,
    /// As the token or message says.
    pub(super) named: Route,
    /// Where it is looked for.
    pub(super) schema: SchemaName,
    /// It has to be looked up first.
    pub(super) is_in_doubt: bool,
    /// It was looked up for this very scope.
    is_sure: bool,
}

impl Moved {
    /// Where to look for a workspace: where it was found last, or where it is said to be.
    pub(super) fn way(&self, named: &Route) -> Way {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&named.tenant).cloned();
        let refused_at = known.as_ref().and_then(|known| known.refused_at);
        let is_in_doubt = refused_at.is_some_and(|at| at.elapsed() < DOUBT);
        let schema = known.map_or_else(|| named.schema.clone(), |known| known.schema);
        Way { moved: self.clone(), named: named.clone(), schema, is_in_doubt, is_sure: false }
    }
}

impl Way {
    /// The scope was refused here. Whether that may be for its place, and is worth another try.
    pub(super) fn doubt(&self) -> bool {
        if self.is_sure {
            return false;
        }
        let mut moved = self.moved.0.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have found it elsewhere meanwhile: then there is nothing to doubt.
        if moved.get(&self.named.tenant).is_none_or(|known| known.schema == self.schema) {
            if moved.len() >= MOST {
                moved.clear();
            }
            let refused_at = Some(Instant::now());
            moved.insert(self.named.tenant, Known { schema: self.schema.clone(), refused_at });
        }
        true
    }

    /// The schema in the answer to where it is.
    pub(super) fn read(message: &SimpleQueryMessage) -> Option<SchemaName> {
        match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        }
    }

    /// It was looked up: where it is now, or none where the name leads nowhere.
    pub(super) fn found(&mut self, schema: Option<SchemaName>) {
        self.schema = schema.unwrap_or_else(|| self.named.schema.clone());
        (self.is_in_doubt, self.is_sure) = (false, true);
        let mut moved = self.moved.0.write().unwrap_or_else(PoisonError::into_inner);
        let refused_at = moved.get(&self.named.tenant).and_then(|known| known.refused_at);
        moved.insert(self.named.tenant, Known { schema: self.schema.clone(), refused_at });
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_refused_scope_is_looked_up_once_and_then_found_there() {
        let moved = Moved::default();
        let tenant = TenantId::from(Uuid::from_u128(1));
        let route = Route { tenant, schema: SchemaName::of(tenant) };
        let first = moved.way(&route);
        assert!(!first.is_in_doubt && first.schema == route.schema);
        assert!(first.doubt(), "worth another try");
        let mut second = moved.way(&route);
        assert!(second.is_in_doubt);
        let there = SchemaName::named(Uuid::from_u128(2));
        second.found(Some(there.clone()));
        assert!(!second.doubt(), "a refusal right after it was looked up is meant");
        let third = moved.way(&route);
        assert!(third.is_in_doubt && third.schema == there, "whoever else was refused looks for itself");
        assert!(first.doubt(), "who began before it was found tries again");
        assert_eq!(moved.way(&route).schema, there, "and takes nothing back");
        let calm = Known { schema: there.clone(), refused_at: Instant::now().checked_sub(DOUBT) };
        moved.0.write().unwrap().insert(tenant, calm);
        let fourth = moved.way(&route);
        assert!(!fourth.is_in_doubt && fourth.schema == there, "after that it is known");
    }
}
