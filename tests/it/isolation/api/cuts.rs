//! Every handler cut off at thousands of points, dropped or panicking: whoever borrows next from the pool is clean, no
//! transaction stays open, and nothing of a request that was cut off is seen by another tenant. The portal's handlers here, those
//! of sign-in and of the operators' door in [`doors`].

mod cut;
mod doors;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Body;
use futures_util::future::{join_all, join3};
use local::{cloud::QueueSettings, stack::Stack};
use serde_json::json;
use tests::{
    database,
    dice::Dice,
    scale, stack,
    tenant::{Placement, Workspace, random_id},
};
use tokio_postgres::Client;

use self::cut::{Cut, Seen, panicking};
use super::{
    document::{Operation, operations},
    planted::{Planted, is_destructive},
    way::{Asked, Near},
};
use crate::isolation::leaks::is_clean;

/// Portals that are tried side by side: most of the time goes into opening connections anew. Each serves two tenants of a
/// placement, whose connections are the same.
const PORTALS: [Placement; 4] =
    [Placement::Schema, Placement::Pooled, Placement::Pooled, Placement::Dedicated];
const SEED: u64 = 9;
/// Within so many polls of a request of the portal.
const POLLS: usize = 16;

/// The workspace as it was before anything was done to the whole of it.
const AS_BEFORE: &str = "
    with ended as (delete from system.operations where tenant_id = $1 and finished_at is null)
    update system.tenants set state = 'active' where id = $1 and state <> 'active'";
const SUSPENDED: &str = "update system.tenants set state = 'suspended' where id = $1";
const DELETING: &str = "
    with asked as (
        insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
        values (gen_random_uuid(), $1, 'deletion', true, '{\"before\": \"active\"}', now() + interval '1 day', now()))
    update system.tenants set state = 'deleting' where id = $1";

/// One portal whose requests are cut off, and what came of it.
struct Cutting {
    number: usize,
    placement: Placement,
    stack: &'static Stack,
    operations: Arc<Vec<Operation>>,
}

impl Cutting {
    async fn cut(self, points: usize) -> Seen {
        let mut dice = Dice::new(SEED + self.number as u64);
        let portal = Near::calling(self.stack, 2, &self.unheard()).await;
        let mut ours = Planted::new_in(self.stack, self.placement).await;
        let theirs = match &ours.tenant.database {
            Some(database) => Workspace::claim_beside(self.stack, database).await,
            None => Workspace::claim_in(self.stack, self.placement).await,
        };
        let behind = database::superuser_in(self.stack, ours.tenant.database.as_deref()).await;
        let mut seen = Seen::default();
        while seen.cuts < points && seen.wrong.len() < 5 {
            // What was deleted before it was cut off is planted again, now and then.
            if seen.tried() % 1_500 == 1_499 {
                bring(&behind, &ours, AS_BEFORE).await;
                ours = ours.again(self.stack).await;
            }
            let operation = &self.operations[seen.tried() % self.operations.len()];
            match operation.id.as_str() {
                "workspace_reactivate" => bring(&behind, &ours, SUSPENDED).await,
                "workspace_undelete" => bring(&behind, &ours, DELETING).await,
                _ => {}
            }
            let cut = Cut::random(&mut dice, POLLS);
            let body = if matches!(cut, Cut::Within) { panicking() } else { body(&ours, operation) };
            let asked = asked(&ours, operation, &mut dice);
            let request = Near::request(&ours.tenant.administrator, &asked, body);
            let came_to_its_end = cut.serve(portal.serve(request)).await;
            if seen.count(cut, came_to_its_end)
                && let Err(how) = is_clean(&portal.database, &theirs).await
            {
                let placement = self.placement.name();
                seen.wrong.push(format!("{placement}: {} {cut:?}, seed {SEED}: {how}", operation.id));
            }
            if is_destructive(operation) {
                bring(&behind, &ours, AS_BEFORE).await;
            }
        }
        seen
    }

    /// A queue that nobody listens to: what is asked for here is taken back, and the steward has nothing to do with it.
    fn unheard(&self) -> String {
        let name = format!("cuts-{}", self.number);
        let visibility_timeout = Duration::from_secs(60);
        let settings = QueueSettings { name: name.clone(), visibility_timeout, redrive: None };
        self.stack.cloud().create_queue(settings).expect("a queue");
        name
    }
}

async fn bring(behind: &Client, ours: &Planted, how: &str) {
    behind.execute(how, &[&ours.tenant.id]).await.expect("the workspace's state");
}

/// A proper request; half of those that write come with a key, whose reservation is then the first statement.
fn asked(ours: &Planted, operation: &Operation, dice: &mut Dice) -> Asked {
    let takes_key = operation.headers.iter().any(|header| header == "idempotency-key");
    let key = (takes_key && dice.below(2) == 0).then(|| ("idempotency-key", random_id().to_string()));
    Asked {
        method: operation.method.clone(),
        path: ours.path(operation),
        headers: key.into_iter().chain([("content-type", "application/json".to_owned())]).collect(),
        body: None,
    }
}

/// Its body. Going to another workspace would end the session; a deletion is confirmed by the right name.
fn body(ours: &Planted, operation: &Operation) -> Body {
    let body = match operation.id.as_str() {
        "me_switch" => Some(json!({ "workspace_id": random_id() })),
        "workspace_delete" => Some(json!({ "name": ours.tenant.directory.name, "grace_s": 86_400 })),
        _ => ours.body(operation),
    };
    Body::from(body.map(|body| body.to_string()).unwrap_or_default())
}

/// The portal's, by so many cuts.
async fn of_the_portal(stack: &'static Stack, operations: Vec<Operation>, cuts: usize) -> Seen {
    let operations = Arc::new(operations);
    let cutting = PORTALS.into_iter().enumerate().map(|(number, placement)| {
        let cutting = Cutting { number, placement, stack, operations: Arc::clone(&operations) };
        tokio::spawn(cutting.cut(cuts / PORTALS.len()))
    });
    let started = Instant::now();
    let seen = join_all(cutting).await.into_iter().map(|seen| seen.expect("it comes to its end"));
    Seen { took: started.elapsed(), ..seen.fold(Seen::default(), Seen::and) }
}

#[test]
fn whoever_borrows_after_any_handler_was_cut_off_is_clean() {
    stack::with_databases(async |stack| {
        let started = Instant::now();
        let mut all = operations(stack.url()).await;
        all.retain(|operation| operation.permission != "public");
        let destructive = all.iter().filter(|operation| is_destructive(operation)).count();
        assert!(destructive >= 10, "suspending, deleting and the like are among them: {destructive}");
        let of_portal = all.len();
        let (portal, (signin, of_signin), (operators, of_operators)) = join3(
            of_the_portal(stack, all, scale::of(9_500, 95_000)),
            doors::of_signin(stack, scale::of(200, 2_000)),
            doors::of_operators(stack, scale::of(300, 3_000)),
        )
        .await;
        let by_door = format!("{}+{}+{}", portal.cuts, signin.cuts, operators.cuts);
        let times = [&portal, &signin, &operators].map(|seen| format!("{}s", seen.took.as_secs())).join("+");
        let seen = portal.and(signin).and(operators);
        let client = database::superuser(stack).await;
        let open = doors::left_open(&client, "^signalbox_(portal|signin|operators)").await;
        let counts = [
            ("cuts", seen.cuts.to_string()),
            ("of_portal+signin+operators", by_door),
            ("panics_among_them", seen.panics.to_string()),
            ("handlers", format!("{of_portal}+{of_signin}+{of_operators}")),
            ("leaks", seen.wrong.len().to_string()),
            ("open_transactions", open.to_string()),
            ("took", format!("{}s ({times})", started.elapsed().as_secs())),
        ];
        scale::say("isolation", &counts);
        assert!(seen.wrong.is_empty(), "{}", seen.wrong.join("\n"));
        assert_eq!(open, 0, "no transaction stays open");
    });
}
