//! The portal with a control gone, as somebody outside would see it: requests or answers are bent on their way, so that the
//! product needs no switch for it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{Method, header::HeaderValue};
use tests::caller::{Answer, Caller};

use super::{
    planted::Planted,
    way::{Asked, Near},
};

/// What is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isolation) enum Bend {
    /// The tenant comes from the ids in the path or the query.
    TenantByAddress,
    /// The tenant comes from the cursor.
    TenantByCursor,
    /// A file of an archive is whoever's knows its name.
    FileByAddress,
    /// A backup is restored whosever it is.
    BackupByAddress,
    /// A token is as good as its maker.
    TokenUnscoped,
    /// A role of the workspace's own is as good as an Administrator's.
    CustomRoleUnasked,
    /// A reference in a body is not looked up.
    ReferenceUnchecked,
    /// What is another's is forbidden, not absent.
    Forbidden,
    /// What was deleted is gone, not absent.
    Gone,
    /// What is malformed is invalid, not absent.
    Invalid,
    /// What is malformed breaks.
    Breaks,
    /// Another sentence.
    Sentence,
    /// A header more.
    Header,
    /// A tag.
    Tag,
    /// A name of theirs in the answer.
    Name,
    /// A key is one for all tenants.
    KeyOfAll,
    /// A version is looked at before whose it is.
    VersionFirst,
    /// Nobody is asked who they are.
    NobodyAsked,
    /// Nobody is asked what their role is.
    RoleUnasked,
    /// What exists takes longer.
    Slow,
    /// An answer is kept for whoever asks for the same path.
    Kept,
}

impl Bend {
    /// Every one of them.
    pub(in crate::isolation) const ALL: [Self; 21] = [
        Self::TenantByAddress,
        Self::TenantByCursor,
        Self::FileByAddress,
        Self::BackupByAddress,
        Self::TokenUnscoped,
        Self::CustomRoleUnasked,
        Self::ReferenceUnchecked,
        Self::Forbidden,
        Self::Gone,
        Self::Invalid,
        Self::Breaks,
        Self::Sentence,
        Self::Header,
        Self::Tag,
        Self::Name,
        Self::KeyOfAll,
        Self::VersionFirst,
        Self::NobodyAsked,
        Self::RoleUnasked,
        Self::Slow,
        Self::Kept,
    ];
}

/// The portal with one of them gone, between two tenants.
pub(in crate::isolation) struct Bent {
    portal: Near,
    bend: Bend,
    /// Every id, name and key of theirs.
    theirs: BTreeSet<String>,
    deleted: Vec<String>,
    /// Their Administrator, and ours.
    victim: Caller,
    administrator: Caller,
    /// Our member with a role of our own.
    custom: Caller,
    /// An id of ours for each of theirs of the same kind.
    stand_ins: Vec<(String, String)>,
    kept: Mutex<HashMap<String, Answer>>,
}

impl Bent {
    /// Bends the way between two.
    pub(in crate::isolation) fn new(portal: Near, bend: Bend, ours: &Planted, theirs: &Planted) -> Self {
        let known = theirs.every_id().into_iter().chain(theirs.names.values().cloned());
        let ids = theirs.ids.iter().map(|(kind, id)| (id.clone(), ours.ids[kind].clone()));
        let names = theirs.names.iter().map(|(kind, name)| (name.clone(), ours.names[kind].clone()));
        Self {
            portal,
            bend,
            theirs: known.chain(theirs.keys.iter().cloned()).filter(|id| id.len() > 3).collect(),
            deleted: ours.deleted.clone(),
            victim: theirs.tenant.administrator.0.clone(),
            administrator: ours.tenant.administrator.0.clone(),
            custom: ours.members[2].clone(),
            stand_ins: ids.chain(names).filter(|(id, _)| id.len() > 3).collect(),
            kept: Mutex::default(),
        }
    }

    fn is_theirs(&self, text: &str) -> bool {
        self.theirs.iter().any(|id| text.contains(id.as_str()))
    }

    fn is_their_backup(&self, asked: &Asked) -> bool {
        let backup = asked.body.as_ref().and_then(|body| body["backup_id"].as_str());
        backup.is_some_and(|backup| self.theirs.contains(backup))
    }

    /// One request, and its answer as it would be.
    pub(super) async fn ask(&self, by: &Caller, asked: &Asked) -> Answer {
        let (mut asked, mut by) = (asked.clone(), by);
        let theirs = self.is_theirs(&asked.path);
        match self.bend {
            Bend::TenantByAddress if theirs => by = &self.victim,
            Bend::TenantByCursor
                if asked.path.contains("cursor=") && asked.path.ends_with(|c: char| c != 'x') =>
            {
                by = self.by_cursor(by, &asked.path);
            }
            Bend::FileByAddress if theirs && asked.path.contains("/files/") => by = &self.victim,
            Bend::BackupByAddress if self.is_their_backup(&asked) => by = &self.victim,
            Bend::TokenUnscoped if by.token().starts_with("sbx_") => by = &self.administrator,
            Bend::CustomRoleUnasked if by.token() == self.custom.token() => by = &self.administrator,
            Bend::NobodyAsked if by.token().is_empty() => by = &self.administrator,
            Bend::RoleUnasked if !by.token().is_empty() => by = &self.administrator,
            Bend::ReferenceUnchecked => self.stand_in(&mut asked),
            Bend::Slow if theirs => tokio::time::sleep(Duration::from_millis(2)).await,
            _ => {}
        }
        if self.bend == Bend::Kept && asked.method == Method::GET {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&asked.path).cloned();
            if kept.is_none() {
                let answer = self.portal.ask(by, &asked).await;
                self.kept
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(asked.path.clone(), answer.clone());
                kept = Some(answer);
            }
            return kept.expect("kept just now");
        }
        let answer = self.portal.ask(by, &asked).await;
        self.bent(answer, &asked, theirs)
    }

    /// A cursor of theirs, decoded, names a row of theirs.
    fn by_cursor<'a>(&'a self, by: &'a Caller, path: &str) -> &'a Caller {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let cursor = path.rsplit_once("cursor=").map(|(_, cursor)| cursor).unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        let row = uuid::Uuid::from_slice(&bytes).map(|id| id.to_string()).unwrap_or_default();
        if !by.token().is_empty() && self.theirs.contains(&row) { &self.victim } else { by }
    }

    fn stand_in(&self, asked: &mut Asked) {
        let Some(body) = &asked.body else { return };
        let text = body.to_string();
        let text = self.stand_ins.iter().fold(text, |text, (theirs, ours)| text.replace(theirs, ours));
        asked.body = serde_json::from_str(&text).ok();
    }

    fn bent(&self, mut answer: Answer, asked: &Asked, theirs: bool) -> Answer {
        let absent = answer.status == 404;
        let header =
            |name: &str| asked.headers.iter().any(|(it, value)| *it == name && self.is_theirs(value));
        let last = asked.path.rsplit('/').next().unwrap_or_default();
        let malformed = absent && (last == "x" || last == "0");
        match self.bend {
            Bend::Forbidden if absent && theirs => answer.status = 403,
            Bend::Gone if absent && self.deleted.iter().any(|id| asked.path.contains(id)) => {
                answer.status = 410
            }
            Bend::Invalid if malformed => answer.status = 400,
            Bend::Breaks if malformed => answer.status = 500,
            Bend::Sentence if absent && theirs => {
                answer.body = Bytes::from(answer.text().replace("nothing here", "nothing of yours here"));
            }
            Bend::Header if absent && theirs => {
                drop(answer.headers.insert("x-placement", HeaderValue::from_static("1")))
            }
            Bend::Tag if absent && theirs => {
                drop(answer.headers.insert("etag", HeaderValue::from_static("\"1\"")))
            }
            Bend::Name if absent && theirs => {
                let name = self.theirs.iter().find(|id| id.contains("vault")).cloned().unwrap_or_default();
                answer.body = Bytes::from(answer.text().replace("that id", &name));
            }
            Bend::KeyOfAll if header("idempotency-key") => answer.status = 409,
            Bend::VersionFirst if header("if-match") => answer.status = 404,
            _ => {}
        }
        answer
    }
}
