//! Grants: the right to look into one workspace for a while, with reason and ticket, in both audit logs.

use serde::Deserialize;
use serde_json::json;
use shared::{
    db::Database,
    error::{DbError, Refusal as Because},
    model::{
        Problem,
        ids::{Id, TenantId},
    },
    store::operators::{self, Asked},
};

use crate::{
    answer::{Answer, List, Refusal, created, found},
    call::Call,
    databases::{self, Told},
};

/// Characters of a reason.
pub(crate) const REASON: std::ops::RangeInclusive<usize> = 10..=500;
/// Characters of a ticket.
pub(crate) const TICKET: std::ops::RangeInclusive<usize> = 1..=100;
/// Minutes of a grant.
pub(crate) const MINUTES: std::ops::RangeInclusive<i32> = 1..=60;
/// Grants that an operator may have open, in all databases.
const MOST: i64 = 5;

/// What a grant is asked for with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGrant {
    workspace_id: TenantId,
    reason: String,
    ticket: String,
    minutes: i32,
}

impl NewGrant {
    /// Everything that is wrong with it.
    fn check(&self) -> Result<(), Refusal> {
        let mut wrong = Vec::new();
        let mut text = |pointer: &str, text: &str, allowed: &std::ops::RangeInclusive<usize>| {
            if !allowed.contains(&text.trim().chars().count()) {
                let message = format!("must have {} to {} characters", allowed.start(), allowed.end());
                wrong.push(Problem::at(pointer, message));
            } else if text.chars().any(char::is_control) {
                wrong.push(Problem::at(pointer, "must be one line of text"));
            }
        };
        text("/reason", &self.reason, &REASON);
        text("/ticket", &self.ticket, &TICKET);
        if !MINUTES.contains(&self.minutes) {
            let message = format!("must be {} to {}", MINUTES.start(), MINUTES.end());
            wrong.push(Problem::at("/minutes", message));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Refusal::invalid(wrong)) }
    }
}

/// Opens one.
pub(crate) async fn open(call: Call) -> Answer {
    call.no_query()?;
    let new: NewGrant = call.body()?;
    new.check()?;
    let (reason, ticket) = (new.reason.trim(), new.ticket.trim());
    let asked = Asked { tenant: new.workspace_id, reason, ticket, minutes: new.minutes };
    let id = call.parts().clock.new_id();
    let home = call.home(new.workspace_id).await?;
    if count_elsewhere(&call, &home).await? >= MOST {
        return Err(DbError::Refused(Because::TooManyGrants).into());
    }
    let opened = operators::open_grant(call.system(&home).await?, &call.access()?, id, asked).await;
    Ok(created(&opened.map_err(|error| Refusal::from(error).at("/workspace_id"))?))
}

/// How many grants the operator has open, where any is open in another database than this one: of its own each holds the cap
/// itself. Asked before the grant is opened, so that two that are opened in two databases at the very same moment may both be; one
/// that is out of reach is passed over, for nobody looks in there.
async fn count_elsewhere(call: &Call, home: &Database) -> Result<i64, Refusal> {
    let all = call.parts().database.each();
    if all.len() == 1 {
        return Ok(0);
    }
    let operator = call.access()?.operator;
    let told = databases::ask(call, all, |tx| operators::open_grants(tx, &operator)).await;
    let open = |told: &Told<i64>| told.answer.as_ref().copied().unwrap_or_default();
    let is_elsewhere = told.iter().any(|it| it.name != home.title() && open(it) > 0);
    Ok(if is_elsewhere { told.iter().map(open).sum() } else { 0 })
}

/// Ends one early, in whichever database it is: its id does not say.
pub(crate) async fn close(call: Call) -> Answer {
    call.no_query()?;
    let (access, id) = (call.access()?, call.id(0).into());
    // One that is out of reach keeps nobody from giving a right back.
    if let Err(ended @ DbError::Refused(_)) = call.first_word().await? {
        return Err(ended.into());
    }
    let mut refused = None;
    for told in
        databases::ask(&call, call.parts().database.each(), |tx| operators::close_grant(tx, &access, id))
            .await
    {
        match told.answer {
            Ok(closed) => return Ok(found(&closed)),
            Err(DbError::Refused(Because::Absent)) => {}
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.map_or_else(Refusal::not_found, Refusal::from))
}

/// One's own, in one database.
pub(crate) async fn list(call: Call) -> Answer {
    let asked = call.asked(&["database"])?;
    let rows =
        operators::grants(call.system(&call.database()?).await?, &call.access()?, asked.page()).await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| json!(row))))
}
