//! Where a workspace is, asked of the databases: the first says which one it is in, that one in which schema. Whoever may enter
//! workspaces may ask; of a name that leads nowhere nothing is told.

use tokio_postgres::SimpleQueryMessage;

use super::{TenantTx, Tx};
use crate::{
    db::{Database, moved::Way},
    error::DbError,
    model::tenant::{DatabaseName, Route},
};

/// What is said of a workspace that has left one database and is not open in the other yet.
const MOVING: &str = "moving";

/// Asks where a workspace is: the first database for the database, that one for the schema.
pub(in crate::db) async fn look_up(database: &Database, way: &mut Way) -> Result<(), DbError> {
    let named = way.named.clone();
    let ask = |what: &str| {
        let Route { tenant, schema } = &named;
        format!("select {what}, system.moved_to('{tenant}', '{schema}')")
    };
    let home = if database.has_to_look() {
        format!("system.home_of('{}')", named.tenant)
    } else {
        "null".to_owned()
    };
    let said = row(&Tx::ask(database, None, &ask(&home)).await?);
    let home: Option<DatabaseName> = said.first().and_then(|text| text.as_ref()?.parse().ok());
    let said = match &home {
        Some(_) => row(&Tx::ask(database, home.as_ref(), &ask("null")).await?),
        None => said,
    };
    if said.get(1).is_some_and(|text| text.as_deref() == Some(MOVING)) {
        return Err(DbError::Retry("the workspace is on its way to another database".into()));
    }
    way.found(home, said.get(1).and_then(|text| text.as_ref()?.parse().ok()));
    Ok(())
}

impl TenantTx {
    /// The database that it works in, of those of a handle that finds workspaces; none for the first.
    pub fn database_name(&self) -> Option<&DatabaseName> {
        self.0.way.as_ref()?.database.as_ref()
    }
}

/// The texts of the first row.
fn row(answer: &[SimpleQueryMessage]) -> Vec<Option<String>> {
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row.map(|row| (0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect()).unwrap_or_default()
}
