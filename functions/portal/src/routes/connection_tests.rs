//! Tests of connections. The portal asks and shows; the dispatcher does them, since it alone may call out.

use shared::model::role::Permission::ConnectionsWrite;
use shared::{
    engine,
    model::ids::{ConnectionId, Id},
    queue::Kind,
    store::connection_tests::{self, ConnectionTest},
};

use super::Nothing;
use crate::{
    argument::{Body, Path},
    caller::Caller,
    fault::Answered,
    reply::{Accepted, Found},
    route::{Route, get, post},
    work::Change,
};

pub(super) fn routes() -> Vec<Route> {
    let path = "/connections/{id}/test";
    vec![
        post(path, "connection_tests.create", "Asks for a test of a connection", ask).needs(ConnectionsWrite),
        get(path, "connection_tests.get", "The latest test of a connection", latest).needs(ConnectionsWrite),
    ]
}

async fn ask(
    caller: Caller,
    Path(of): Path<ConnectionId>,
    Body(_): Body<Nothing>,
) -> Answered<Accepted<ConnectionTest>> {
    let mut work = caller.write().await?;
    let test = connection_tests::insert(&work, caller.app.clock.new_id(), of, work.user()).await?;
    let messages = engine::owe(work.within(), &[(Kind::Test, test.id.uuid(), None)]).await?;
    work.send_later(messages);
    let answer = Accepted::of(&test).header("location", &format!("/api/v1/connections/{of}/test"));
    work.commit(Change::new("connection.test", of.uuid()), answer).await
}

async fn latest(caller: Caller, Path(of): Path<ConnectionId>) -> Answered<Found<ConnectionTest>> {
    Ok(Found::of(&connection_tests::latest(caller.read().await?.into_tx(), of).await?))
}
