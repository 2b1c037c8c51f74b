//! Connections: the platforms of a workspace. Each has slots of its own, made and changed in the same transaction.

mod draft;

use serde::Serialize;
use serde_json::Value;
use shared::model::role::Permission::{ConnectionsRead, ConnectionsWrite};
use shared::{
    engine,
    model::{
        connection::{ConnectionKind, KindDescription},
        ids::{ConnectionId, Id, ProfileId, UserId},
        limit::Limit,
    },
    store::connections::{self, Connection as Row},
};
use utoipa::ToSchema;

use super::lists::{List, Plain};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::Answered,
    reply::{Created, Done, Found},
    route::{Route, delete, get, post, put},
    work::Change,
};
use draft::NewConnection;

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
struct Connection {
    /// Its id; also its concurrency key.
    id: ConnectionId,
    /// Unique in the workspace; jobs name it by this.
    name: String,
    /// Its kind.
    kind: String,
    /// Its settings, as the kind's schema says.
    #[schema(value_type = Object)]
    settings: Value,
    /// Where its credential lives.
    credential: Option<CredentialRef>,
    /// The profile its limit comes from.
    concurrency_profile_id: Option<ProfileId>,
    /// Weight that may be in flight on it: the profile's, else the kind's.
    limit: Option<i32>,
    /// `active`, or `paused`: nothing new starts on it.
    state: String,
    /// Counts its changes.
    version: i32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: jiff::Timestamp,
    /// Who changed it last.
    updated_by: UserId,
}

/// A credential by its names.
#[derive(Debug, Serialize, ToSchema)]
struct CredentialRef {
    /// The vault's name.
    vault: String,
    /// The credential's name there.
    name: String,
}

/// The kinds of connection.
#[derive(Debug, Serialize, ToSchema)]
struct Kinds {
    items: Vec<KindDescription>,
}

pub(super) fn routes() -> Vec<Route> {
    let (all, one) = ("/connections", "/connections/{id}");
    vec![
        get(
            "/connection-kinds",
            "connection_kinds.list",
            "Kinds, with the schemas of settings and start",
            kinds,
        )
        .signed_in(),
        get(all, "connections.list", "Lists connections, newest first", list).needs(ConnectionsRead),
        post(all, "connections.create", "Makes a connection", create).needs(ConnectionsWrite),
        get(one, "connections.get", "One connection", show).needs(ConnectionsRead),
        put(one, "connections.update", "Changes a connection", update).needs(ConnectionsWrite),
        delete(one, "connections.delete", "Deletes a connection that no job names", remove)
            .needs(ConnectionsWrite),
    ]
}

async fn kinds(caller: Caller) -> Answered<Found<Kinds>> {
    caller.authorise().await?;
    Ok(Found::of(&Kinds { items: ConnectionKind::ALL.iter().map(|kind| kind.describe()).collect() }))
}

async fn list(caller: Caller, Query(query): Query<Plain>) -> Answered<Found<List<Connection>>> {
    let page = query.page();
    let rows = connections::list(caller.read().await?.into_tx(), page).await?;
    Ok(Found::of(&List::of(rows, page, |c| c.id, Connection::from)))
}

async fn create(caller: Caller, Body(new): Body<NewConnection>) -> Answered<Created<Connection>> {
    let kind = new.check()?;
    let work = caller.write().await?;
    work.hold(Limit::Connections).await?;
    let draft = new.resolve(&work, kind).await?;
    let id: ConnectionId = caller.app.clock.new_id();
    let (_, _, row) = futures_util::try_join!(
        connections::insert(&work, id, &draft, work.user()),
        connections::add_slots(&work, id, draft.limit),
        connections::read(&work, id),
    )?;
    let connection = Connection::from(row);
    let change = Change::new("connection.create", id.uuid()).after(&connection);
    let answer =
        Created::at(&format!("/api/v1/connections/{id}"), &connection).at_version(connection.version);
    work.commit(change, answer).await
}

async fn show(caller: Caller, Path(id): Path<ConnectionId>) -> Answered<Found<Connection>> {
    let connection = Connection::from(connections::get(caller.read().await?.into_tx(), id).await?);
    Ok(Found::of(&connection).at_version(connection.version))
}

async fn update(
    caller: Caller,
    Path(id): Path<ConnectionId>,
    Body(new): Body<NewConnection>,
) -> Answered<Found<Connection>> {
    let kind = new.check()?;
    let mut work = caller.write().await?;
    let was = connections::lock(&work, id).await?;
    caller.check_version(was.version)?;
    new.check_against(&was)?;
    let draft = new.resolve(&work, kind).await?;
    let (_, _, row) = futures_util::try_join!(
        connections::update(&work, &was, &draft, work.user()),
        connections::set_capacity(&work, id, draft.limit),
        connections::read(&work, id),
    )?;
    if makes_room(&was, &row) {
        let messages = engine::wake(work.within(), id).await?;
        work.send_later(messages);
    }
    let (before, connection) = (Connection::from(was), Connection::from(row));
    let change = Change::new("connection.update", id.uuid()).before(&before).after(&connection);
    work.commit(change, Found::of(&connection).at_version(connection.version)).await
}

async fn remove(caller: Caller, Path(id): Path<ConnectionId>) -> Answered<Done> {
    let work = caller.write().await?;
    let was = connections::lock(&work, id).await?;
    caller.check_version(was.version)?;
    connections::delete(&work, &was).await?;
    let change = Change::new("connection.delete", id.uuid()).before(&Connection::from(was));
    work.commit(change, Done::done()).await
}

/// Whether work that waits for this key may move now.
fn makes_room(was: &Row, is: &Row) -> bool {
    is.state == "active" && (is.limit > was.limit || was.state != "active")
}

impl From<Row> for Connection {
    fn from(row: Row) -> Self {
        let credential =
            row.vault.zip(row.credential_name).map(|(vault, name)| CredentialRef { vault, name });
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            settings: row.settings,
            credential,
            concurrency_profile_id: row.concurrency_profile_id,
            limit: row.limit,
            state: row.state,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
        }
    }
}
