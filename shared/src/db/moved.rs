//! Where workspaces are that are not where a token or a message says. A scope that is refused is in doubt for a moment and may be
//! tried again; tried again it looks its workspace up first, and a refusal after that is meant. The doubt is the caller's own: a
//! token that somebody made up costs nobody else a look. `tx.rs` and `database.rs` alone use it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use crate::model::{
    ids::{SessionId, TenantId},
    tenant::{DatabaseName, Route, SchemaName},
};

/// More than this are not remembered; what is forgotten is looked up again.
const MOST: usize = 10_000;

/// How long a scope is in doubt after a refusal: longer than whoever was refused takes to try again.
const DOUBT: Duration = Duration::from_secs(2);

/// Whose scope it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// A person's, by their session.
    Session(SessionId),
    /// A program's, by its token's hash.
    Token([u8; 32]),
    /// A worker's.
    Worker(TenantId),
}

/// Where workspaces were found, and who was refused just now.
#[derive(Clone, Default)]
pub(super) struct Moved(Arc<RwLock<Seen>>);

#[derive(Default)]
struct Seen {
    places: HashMap<TenantId, Place>,
    refused: HashMap<Whose, Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    database: Option<DatabaseName>,
    schema: SchemaName,
}

/// A scope's way to its workspace.
pub(super) struct Way {
    moved: Moved,
    whose: Option<Whose>,
    /// As the token or message says.
    pub(super) named: Route,
    /// The database it is looked for in; the first where there is none.
    pub(super) database: Option<DatabaseName>,
    /// The schema it is looked for in.
    pub(super) schema: SchemaName,
    is_in_doubt: bool,
    is_known: bool,
    /// It was looked up for this very scope.
    is_sure: bool,
}

impl Moved {
    /// Where to look for a workspace: where it was found last, or where it is said to be.
    pub(super) fn way(&self, named: &Route, whose: Option<Whose>) -> Way {
        let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let refused_at = whose.and_then(|whose| seen.refused.get(&whose));
        let is_in_doubt = refused_at.is_some_and(|at| at.elapsed() < DOUBT);
        let known = seen.places.get(&named.tenant).cloned();
        let is_known = known.is_some();
        let Place { database, schema } =
            known.unwrap_or_else(|| Place { database: None, schema: named.schema.clone() });
        let (moved, named) = (self.clone(), named.clone());
        Way { moved, whose, named, database, schema, is_in_doubt, is_known, is_sure: false }
    }
}

impl Way {
    /// It has to be looked up first: the scope was refused a moment ago.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.is_in_doubt
    }

    /// It was found before.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// The scope was refused here. Whether that may be for its place, and is worth another try.
    pub(super) fn doubt(&self) -> bool {
        let Some(whose) = self.whose.filter(|_| !self.is_sure) else { return false };
        let mut seen = self.moved.0.write().unwrap_or_else(PoisonError::into_inner);
        if seen.refused.len() >= MOST {
            seen.refused.retain(|_, at| at.elapsed() < DOUBT);
            if seen.refused.len() >= MOST {
                seen.refused.clear();
            }
        }
        seen.refused.insert(whose, Instant::now());
        true
    }

    /// It was looked up: where it is now, or no schema where the name leads nowhere.
    pub(super) fn found(&mut self, database: Option<DatabaseName>, schema: Option<SchemaName>) {
        let is_there = schema.is_some();
        self.schema = schema.unwrap_or_else(|| self.named.schema.clone());
        self.database = database;
        (self.is_in_doubt, self.is_sure) = (false, true);
        if !is_there {
            return;
        }
        let mut seen = self.moved.0.write().unwrap_or_else(PoisonError::into_inner);
        if seen.places.len() >= MOST {
            seen.places.clear();
        }
        let place = Place { database: self.database.clone(), schema: self.schema.clone() };
        seen.places.insert(self.named.tenant, place);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn route(n: u128) -> Route {
        let tenant = TenantId::from(Uuid::from_u128(n));
        Route { tenant, schema: SchemaName::of(tenant) }
    }

    fn session(n: u128) -> Option<Whose> {
        Some(Whose::Session(Uuid::from_u128(n).into()))
    }

    #[test]
    fn a_refused_scope_is_looked_up_once_and_others_find_it_there() {
        let (moved, route) = (Moved::default(), route(1));
        let first = moved.way(&route, session(1));
        assert!(!first.is_in_doubt() && first.schema == route.schema);
        assert!(first.doubt(), "worth another try");
        let mut second = moved.way(&route, session(1));
        assert!(second.is_in_doubt());
        let there = SchemaName::named(Uuid::from_u128(2));
        second.found(Some("north".parse().unwrap()), Some(there.clone()));
        assert!(!second.doubt(), "a refusal right after it was looked up is meant");
        let other = moved.way(&route, session(2));
        assert!(!other.is_in_doubt() && other.is_known() && other.schema == there);
        assert_eq!(other.database.as_ref().map(DatabaseName::as_str), Some("north"));
        assert!(other.doubt(), "it may have moved again");
    }

    #[test]
    fn who_makes_a_token_up_puts_nobody_else_in_doubt() {
        let (moved, route) = (Moved::default(), route(1));
        let forged = Some(Whose::Token([7; 32]));
        assert!(moved.way(&route, forged).doubt());
        let mut again = moved.way(&route, forged);
        assert!(again.is_in_doubt());
        again.found(None, None);
        let way = moved.way(&route, session(1));
        assert!(!way.is_in_doubt() && !way.is_known());
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let moved = Moved::default();
        for n in 0..=MOST as u128 {
            let route = route(n + 1);
            assert!(moved.way(&route, session(n)).doubt());
            moved.way(&route, session(n)).found(None, Some(route.schema.clone()));
        }
        let seen = moved.0.read().unwrap();
        assert!(seen.refused.len() <= MOST && seen.places.len() <= MOST);
    }
}
