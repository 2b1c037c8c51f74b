//! What every operator may read of their own door: themselves, the document, and the log of what operators did.

use serde_json::{Value, json};
use shared::{
    model::ids::{Id, TenantId},
    store::operators,
};

use crate::{
    answer::{Answer, List, Refusal, found},
    call::Call,
    databases, document,
};

/// Who is asking, and in which databases their session holds.
pub(crate) async fn me(call: Call) -> Answer {
    call.no_query()?;
    let access = call.access()?;
    let all = databases::ask_each(&call, |tx| operators::note(tx, &access, call.name)).await?;
    let myself = all.iter().find_map(|told| told.answer.as_ref().ok()).ok_or(Refusal::unavailable())?;
    let mut shape = json!(myself);
    shape["databases"] = all.iter().map(databases::Told::shape).collect::<Vec<Value>>().into();
    Ok(found(&shape))
}

/// The document.
pub(crate) async fn document(call: Call) -> Answer {
    call.no_query()?;
    operators::note(call.system(&call.first()).await?, &call.access()?, call.name).await?;
    Ok(found(&document::document()))
}

/// The operators' own log in one database: of all of them, about one workspace or all. Of a workspace in its own, unless another
/// is named.
pub(crate) async fn audit(call: Call) -> Answer {
    let asked = call.asked(&["workspace_id", "database"])?;
    let of: Option<TenantId> = call.uuid("workspace_id")?.map(Into::into);
    let database = match of {
        Some(tenant) if call.query.get("database").is_none() => call.home(tenant).await?,
        _ => call.database()?,
    };
    let rows = operators::audit(call.system(&database).await?, &call.access()?, asked.page(), of).await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| json!(row))))
}
