//! The operators' handlers, cut off: whoever comes next is who they are, and sees the workspace that their own grant opens.

use std::{collections::BTreeMap, time::Instant};

use local::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::Caller,
    database,
    dice::Dice,
    operator,
    tenant::{self, Tenant},
    work,
    world::World,
};

use super::{Door, Knock, SEED, left_open};
use crate::isolation::api::cuts::cut::Seen;

/// Where the operators' API stands.
const OPERATORS: &str = "/operators/v1";

/// What the operators' handlers are tried with.
struct Watched {
    door: Door,
    /// Whose requests are cut off; who leaves again and again; and who comes next.
    ours: Caller,
    leaving: Caller,
    theirs: Caller,
    account: String,
    tenants: BTreeMap<&'static str, (Tenant, Value)>,
}

impl Watched {
    async fn new(stack: &'static Stack) -> Self {
        let account = operator::account(stack, "olga");
        let ours = operator::signed_in(stack, &account).await;
        let (leaving, theirs) = (operator::new(stack).await, operator::new(stack).await);
        let mut tenants = BTreeMap::new();
        for (name, by) in [("ours", Some(&ours)), ("theirs", Some(&theirs)), ("third", None)] {
            let tenant = tenant::new(stack).await;
            let world = World::at_once();
            work::connection(&tenant.administrator, "platform", &world).await;
            let job =
                work::job(&tenant.administrator, &work::fresh("job"), &work::chain("platform", 1)).await;
            let run = work::run(&tenant.operator, &job).await;
            if let Some(by) = by {
                operator::grant(by, tenant.id).await;
            }
            tenants.insert(name, (tenant, run));
        }
        let door = Door::operators(stack).await;
        Self { door, ours, leaving, theirs, account: account.user_name, tenants }
    }

    /// A grant for the third workspace that is open.
    async fn grant(&self) -> String {
        let path = format!("{OPERATORS}/grants");
        let ask = operator::ask(self.tenants["third"].0.id);
        self.door.whole(&Knock::new("", Method::POST, &path).by(&self.ours).json(ask)).await;
        let (_, grants) = self.door.whole(&Knock::new("", Method::GET, &path).by(&self.ours)).await;
        let third = json!(self.tenants["third"].0.id);
        let open = grants["items"].as_array().into_iter().flatten();
        let open = open.into_iter().find(|it| it["workspace_id"] == third && it["closed_at"].is_null());
        work::id(open.unwrap_or_else(|| panic!("a grant is open: {grants}")))
    }

    async fn knock(&self, (method, path): &(Method, String)) -> Knock {
        let (tenant, run) = &self.tenants["ours"];
        let knock = |path: &str| Knock::new(path, method.clone(), path);
        match (method, path.as_str()) {
            (_, "/operators/callback") => self.door.callback("operators", &self.account).await,
            (_, "/operators/logout") => knock(path).by(&self.leaving).with("origin", &self.door.site),
            (&Method::POST, "/operators/v1/grants") => {
                knock(path).by(&self.ours).json(operator::ask(self.tenants["third"].0.id))
            }
            (_, "/operators/v1/grants/{id}/close") => {
                let path = path.replace("{id}", &self.grant().await);
                knock(&path).by(&self.ours).json(json!({}))
            }
            _ => {
                let path = path.replace("{id}", &tenant.id.to_string()).replace("{run_id}", &work::id(run));
                knock(&path).by(&self.ours)
            }
        }
    }

    /// Who comes next is who they are, and sees in their workspace what is in it.
    async fn next(&self, who: &Value) -> Result<(), String> {
        let (tenant, run) = &self.tenants["theirs"];
        let (_, me) =
            self.door.whole(&Knock::new("", Method::GET, &format!("{OPERATORS}/me")).by(&self.theirs)).await;
        if me["id"] != *who {
            return Err(format!("the next one is {me}"));
        }
        let path = format!("{OPERATORS}/workspaces/{}/runs", tenant.id);
        let (_, runs) = self.door.whole(&Knock::new("", Method::GET, &path).by(&self.theirs)).await;
        let seen: Vec<&Value> = runs["items"].as_array().into_iter().flatten().map(|it| &it["id"]).collect();
        if seen == [&run["id"]] { Ok(()) } else { Err(format!("the next one sees {runs}")) }
    }
}

/// The operators' handlers, by so many cuts; how many they are.
pub(in crate::isolation::api::cuts) async fn of_operators(
    stack: &'static Stack,
    cuts: usize,
) -> (Seen, usize) {
    let watched = Watched::new(stack).await;
    let me = watched.theirs.get(&format!("{}/me", operator::API)).await.expect(200);
    let document = watched.theirs.get(&format!("{}/openapi.json", operator::API)).await.expect(200);
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            all.push((method.to_uppercase().parse::<Method>().expect("a method"), path.clone()));
        }
    }
    for (method, path) in [(Method::GET, "login"), (Method::GET, "callback"), (Method::POST, "logout")] {
        let public = (method, format!("/operators/{path}"));
        if !all.contains(&public) {
            all.push(public);
        }
    }
    let behind = database::superuser(stack).await;
    let (mut dice, mut seen) = (Dice::new(SEED + 1), Seen::default());
    let started = Instant::now();
    while seen.cuts < cuts && seen.wrong.len() < 5 {
        let knock = watched.knock(&all[seen.tried() % all.len()]).await;
        watched
            .door
            .cut(&knock, &mut dice, &mut seen, async || {
                watched.next(&me["id"]).await?;
                match left_open(&behind, "^signalbox_operators").await {
                    0 => Ok(()),
                    open => Err(format!("{open} transactions are open")),
                }
            })
            .await;
    }
    seen.took = started.elapsed();
    (seen, all.len())
}
