//! Connections kept in ways that the product's transactions avoid, and whether the look at the next borrower notices: what
//! is set for the session, a transaction that is left open, a commit that nobody confirmed.

use tests::{
    database,
    dice::Dice,
    polls::Polled,
    scale, stack,
    tenant::{Workspace, random_id},
};
use tokio_postgres::{Client, SimpleQueryMessage};

/// How one connection is shared by tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// As it should be, and never cut off: nothing may be noticed.
    Properly,
    /// Role, path and tenant are set for the session, and set back at the end.
    ForTheSession,
    /// `begin` and `commit` by hand, and the connection used again whatever came between.
    WhateverCame,
    /// The role alone is left out of the scope.
    WithoutRole,
    /// The tenant's setting alone is left out.
    WithoutSetting,
    /// The path alone is left out.
    WithoutPath,
}

const WAYS: [Kept; 5] =
    [Kept::ForTheSession, Kept::WhateverCame, Kept::WithoutRole, Kept::WithoutSetting, Kept::WithoutPath];

impl Kept {
    fn enter(self, it: &Workspace) -> String {
        let scope = if self == Self::ForTheSession { "set" } else { "set local" };
        let role = format!("{scope} role \"{}\"; ", it.schema);
        let path = format!("{scope} search_path = \"{}\", pg_temp; ", it.schema);
        let tenant = format!("{scope} app.tenant_id = '{}'", it.id);
        let given = |gone: Self, text: String| if self == gone { String::new() } else { text };
        let begin = if self == Self::ForTheSession { "" } else { "begin; " };
        let role = given(Self::WithoutRole, role);
        format!("{begin}{role}{}{}", given(Self::WithoutPath, path), given(Self::WithoutSetting, tenant))
    }

    const fn end(self) -> &'static str {
        match self {
            Self::ForTheSession => "reset role; reset search_path; reset app.tenant_id",
            _ => "commit",
        }
    }
}

/// Work of ours that may be cut off anywhere.
async fn work(client: &Client, kept: Kept, ours: &Workspace) {
    let vault = format!(
        "insert into \"{}\".vaults (id, name, kind, created_at, updated_at, updated_by)
         values ('{}', 'abandoned {}', 'managed', now(), now(), '{}')",
        ours.schema,
        random_id(),
        random_id(),
        ours.user
    );
    for statement in [kept.enter(ours), vault, kept.end().to_owned()] {
        // What fails is left as it is: that is the point.
        let _failed = client.batch_execute(&statement).await;
    }
}

/// What is wrong with whoever comes next, who begins properly and so should find nothing of the one before.
async fn next(client: &Client, kept: Kept, theirs: &Workspace) -> Result<(), String> {
    let before = "select current_user::text = 'signalbox_portal' and coalesce(current_setting('app.tenant_id', true), '') = ''
                  and pg_current_xact_id_if_assigned() is null and now() = statement_timestamp()";
    // As one simple message: of the others, each part is a statement by the clock.
    let clean = client.simple_query(before).await.map_err(|error| format!("{error:?}"))?;
    let is_clean = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t"));
    if !clean.iter().any(is_clean) {
        return Err("the one before is still here".to_owned());
    }
    let enter = kept.enter(theirs);
    client.batch_execute(&enter).await.map_err(|error| format!("{error:?}"))?;
    let ask = "select current_user::text = $1 and current_setting('app.tenant_id') = $2
                      and current_setting('search_path') = $1 || ', pg_temp'";
    let typed = [
        (&theirs.schema as _, tokio_postgres::types::Type::TEXT),
        (&theirs.id.to_string() as _, tokio_postgres::types::Type::TEXT),
    ];
    let row = client.query_typed(ask, &typed).await.map_err(|error| format!("{error:?}"))?;
    client.batch_execute(kept.end()).await.map_err(|error| format!("{error:?}"))?;
    if row[0].get(0) { Ok(()) } else { Err("it is not who it should be".to_owned()) }
}

#[test]
fn every_careless_way_to_keep_a_connection_is_noticed() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let mut missed = Vec::new();
        let client = database::login(stack, "portal").await;
        for _ in 0..20 {
            work(&client, Kept::Properly, &ours).await;
            next(&client, Kept::Properly, &theirs).await.expect("nothing is wrong");
        }
        for kept in WAYS {
            let (mut dice, mut noticed) = (Dice::new(10), false);
            let client = database::login(stack, "portal").await;
            for _ in 0..300 {
                Polled::new(1 + dice.below(8), work(&client, kept, &ours)).await;
                if next(&client, kept, &theirs).await.is_err() {
                    noticed = true;
                    break;
                }
            }
            if !noticed {
                missed.push(kept);
            }
        }
        let caught = WAYS.len() - missed.len();
        let caught_of = format!("{caught} ({}%)", caught * 100 / WAYS.len());
        let place = "connections".to_owned();
        scale::say(
            "sabotage",
            &[("where", place), ("planted", WAYS.len().to_string()), ("caught", caught_of)],
        );
        assert!(missed.is_empty(), "nobody noticed {missed:?}");
    });
}
