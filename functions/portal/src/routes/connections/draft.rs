//! The body of a connection: checked by its kind, its references resolved inside the workspace.

use serde::Deserialize;
use serde_json::Value;
use shared::{
    model::{
        Problem, Problems,
        connection::{ConnectionKind, Settings},
        ids::ProfileId,
    },
    store::{
        connections::{Connection, Draft},
        profiles, vaults,
    },
};
use utoipa::ToSchema;

use super::super::check_named;
use crate::{fault::Fault, work::Work};

/// What a connection is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConnectionBody)]
pub(super) struct NewConnection {
    /// Unique in the workspace; at most 100 characters. Jobs name it by this.
    #[schema(max_length = 100)]
    name: String,
    /// Its kind; it never changes.
    kind: String,
    /// Its settings, as the kind's schema says (`/connection-kinds`). Never a secret.
    #[schema(value_type = Object)]
    settings: Value,
    /// Where its credential lives.
    credential: Option<CredentialBody>,
    /// The profile its limit comes from; the kind's limit if there is none.
    concurrency_profile_id: Option<ProfileId>,
    /// `active`, or `paused`: nothing new starts on it.
    #[serde(default)]
    state: State,
}

/// A credential by its names.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CredentialRefBody)]
struct CredentialBody {
    /// The vault's name or id.
    vault: String,
    /// The credential's name there.
    #[schema(max_length = 100)]
    name: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConnectionState)]
enum State {
    #[default]
    Active,
    Paused,
}

impl NewConnection {
    /// Everything that can be told without the database.
    pub(super) fn check(&self) -> Result<ConnectionKind, Fault> {
        let mut problems = Problems::default();
        check_named(&mut problems, "/name", &self.name);
        if let Some(credential) = &self.credential {
            check_named(&mut problems, "/credential/name", &credential.name);
        }
        let Ok(kind) = self.kind.parse::<ConnectionKind>() else {
            problems.add("/kind", "is not a kind of connection; `/api/v1/connection-kinds` lists them");
            return Err(problems.into_vec().into());
        };
        match Settings::read(kind, &self.settings) {
            Ok(settings) if settings.needs_credential() && self.credential.is_none() => {
                problems.add("/credential", "is needed: these settings sign in with one");
            }
            Ok(_) => {}
            Err(wrong) => problems.extend_under("/settings", wrong),
        }
        Ok(problems.or(kind)?)
    }

    /// A connection keeps its kind: jobs were checked against it.
    pub(super) fn check_against(&self, was: &Connection) -> Result<(), Fault> {
        if was.kind == self.kind {
            return Ok(());
        }
        Err(Fault::invalid(vec![Problem::at("/kind", "cannot change; make another connection")]))
    }

    /// Finds what it refers to. What is not in this workspace is not there.
    pub(super) async fn resolve(self, work: &Work, kind: ConnectionKind) -> Result<Draft, Fault> {
        let credential = match self.credential {
            Some(CredentialBody { vault, name }) => {
                let found = vaults::find(work, &vault).await?;
                let found = found.ok_or_else(|| {
                    Fault::dangling("/credential/vault", "is not a vault of this workspace")
                })?;
                Some((found.id, name))
            }
            None => None,
        };
        let mut limit = i32::try_from(kind.default_concurrency()).unwrap_or(1);
        if let Some(id) = self.concurrency_profile_id {
            let missing = || {
                Fault::dangling("/concurrency_profile_id", "is not a concurrency profile of this workspace")
            };
            limit = profiles::find(work, id).await?.ok_or_else(missing)?.limit;
        }
        let state = match self.state {
            State::Active => "active",
            State::Paused => "paused",
        };
        Ok(Draft {
            name: self.name,
            kind: self.kind,
            settings: self.settings,
            credential,
            profile: self.concurrency_profile_id,
            limit,
            state: state.to_owned(),
        })
    }
}
