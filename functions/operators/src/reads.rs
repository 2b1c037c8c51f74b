//! What every operator may read of their own door: themselves, the document, and the log of what operators did.

use serde_json::json;
use shared::{model::ids::Id, store::operators};

use crate::{
    answer::{Answer, List, found},
    call::Call,
    document,
};

/// Who is asking.
pub(crate) async fn me(call: Call) -> Answer {
    call.no_query()?;
    Ok(found(&operators::note(call.system().await?, &call.access()?, call.name).await?))
}

/// The document.
pub(crate) async fn document(call: Call) -> Answer {
    call.no_query()?;
    operators::note(call.system().await?, &call.access()?, call.name).await?;
    Ok(found(&document::document()))
}

/// The operators' own log: of all of them, about one workspace or all.
pub(crate) async fn audit(call: Call) -> Answer {
    let asked = call.asked(&["workspace_id"])?;
    let of = call.uuid("workspace_id")?.map(Into::into);
    let rows = operators::audit(call.system().await?, &call.access()?, asked.page(), of).await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| json!(row))))
}
