//! Controls that stand in the code, taken away at its seams: the way of a request, the opening of a message and of a sealed
//! value, the keeping of connections. The functions that the other tests call must notice each.

use std::sync::Arc;

use shared::{
    keys::{Place, TenantKeys},
    model::role::{Permission, Role},
};
use tests::{
    caller::{Caller, Proof},
    scale, stack,
};

use crate::isolation::{
    api::{
        attempts::Grid,
        bent::{Bend, Bent},
        canaries::turns,
        document::{Operation, operations},
        planted::Planted,
        spots::{Spot, spots},
        timing::Measured,
        way::{Asked, Near, Way},
    },
    ciphertexts, messages,
};

/// Two tenants and what is asked of them.
struct Stage {
    ours: Planted,
    theirs: Planted,
    operations: Vec<Operation>,
    spots: Vec<Spot>,
    /// A program whose token gives one permission.
    program: Caller,
}

impl Stage {
    /// What the first of the checks that notice anything on this way have noticed.
    async fn noticed(&self, way: &Way) -> Option<String> {
        let grid = Grid { way: way.clone(), spots: &self.spots, ours: &self.ours, theirs: &self.theirs };
        let done = self.refusals(way).await;
        if !done.is_empty() {
            return Some(format!("done without a permission: {done:?}"));
        }
        if let Some(first) = grid.attempt(1).await.1.into_iter().next() {
            return Some(first.to_string());
        }
        if self.tells_by_time(way).await {
            return Some("the time tells that a vault is there".to_owned());
        }
        self.tells_of_others(way).await.then(|| "a list tells of others".to_owned())
    }

    /// What an Operator, a member with a role of the workspace's own and a program with a token may do, beyond what they may.
    async fn refusals(&self, way: &Way) -> Vec<String> {
        let mut done = Vec::new();
        let is_for_all =
            |operation: &Operation| ["public", "signed_in"].contains(&operation.permission.as_str());
        for operation in self.operations.iter().filter(|operation| !is_for_all(operation)) {
            let permission: Permission = operation.permission.parse().expect("a permission of ours");
            let refused = [
                (!Role::Operator.may(permission), &self.ours.tenant.operator.0),
                (!permission.is_for_custom_roles(), &self.ours.members[2]),
                (permission != Permission::RunsRead, &self.program),
            ];
            for (_, by) in refused.into_iter().filter(|(is_refused, _)| *is_refused) {
                let (method, path) = (operation.method.clone(), self.ours.path(operation));
                let body = Some(serde_json::json!({ "nonsense": 1 }));
                let asked = Asked { method, path, headers: Vec::new(), body };
                if way.ask(by, &asked).await.status != 403 {
                    done.push(operation.id.clone());
                }
            }
        }
        done
    }

    async fn tells_by_time(&self, way: &Way) -> bool {
        let operation =
            self.operations.iter().find(|operation| operation.id == "vaults_get").expect("it is there");
        Measured { way, ours: &self.ours, theirs: &self.theirs, operation }.tells(200).await.1
    }

    async fn tells_of_others(&self, way: &Way) -> bool {
        let is_list = |operation: &&Operation| operation.id == "vaults_list" || operation.id == "me_get";
        let reads: Vec<Operation> = self.operations.iter().filter(is_list).cloned().collect();
        !turns(way.clone(), &[&self.ours, &self.theirs], &reads, (1, 40)).await.is_empty()
    }
}

#[test]
fn every_control_of_the_api_is_missed_when_it_is_gone() {
    stack::with(async |stack| {
        let (ours, theirs) = (Planted::new(stack).await, Planted::new(stack).await);
        let operations = operations(stack.url()).await;
        let token = serde_json::json!({ "name": "narrow", "permissions": ["runs.read"] });
        let token = ours.tenant.administrator.post("/api-tokens", &token).await.expect(201);
        let token = token["token"].as_str().expect("it is shown").to_owned();
        let program = ours.members[3].with(Proof::Bearer(token));
        let stage = Stage { ours, theirs, spots: spots(&operations), operations, program };
        let portal = Near::new(stack, 2).await;
        let noticed = stage.noticed(&Way::Near(portal.clone())).await;
        assert_eq!(noticed, None, "nothing is noticed where nothing is gone");
        let mut missed = Vec::new();
        for bend in Bend::ALL {
            let way = Way::Bent(Arc::new(Bent::new(portal.clone(), bend, &stage.ours, &stage.theirs)));
            if stage.noticed(&way).await.is_none() {
                missed.push(bend);
            }
        }
        report("at_the_api", Bend::ALL.len(), missed.len());
        assert!(missed.is_empty(), "nothing noticed that these were gone: {missed:?}");
    });
}

fn report(place: &str, planted: usize, missed: usize) {
    let caught = planted - missed;
    let caught_of = format!("{caught} ({}%)", caught * 100 / planted);
    scale::say(
        "sabotage",
        &[("where", place.to_owned()), ("planted", planted.to_string()), ("caught", caught_of)],
    );
}

#[test]
fn every_field_of_a_message_is_missed_when_it_is_not_signed() {
    stack::with(async |stack| {
        let signer = messages::signer(stack).await;
        let fields = ["tenant", "schema", "kind", "id", "round", "at", "outbox"];
        let mut missed = Vec::new();
        for field in fields {
            if messages::accepted(&signer, messages::Verified::AllBut(field), 4_000).is_empty() {
                missed.push(field);
            }
        }
        if messages::accepted(&signer, messages::Verified::Nothing, 4_000).is_empty() {
            missed.push("the seal itself");
        }
        report("messages", fields.len() + 1, missed.len());
        assert!(missed.is_empty(), "nothing noticed that these were not signed: {missed:?}");
    });
}

/// A part of the place that is not bound to what is sealed there: whoever opens it may as well name the right one.
#[test]
fn every_part_of_a_place_is_missed_when_nothing_is_bound_to_it() {
    type Forget = fn(Place<'_>, &ciphertexts::Sealed) -> bool;
    let parts: [(&str, Forget); 4] = [
        ("table", |place, at| place.tenant == at.tenant && place.row == at.row && place.column == "sealed"),
        ("column", |place, at| {
            place.tenant == at.tenant && place.row == at.row && place.table == "credentials"
        }),
        ("row", |place, at| {
            place.tenant == at.tenant && place.table == "credentials" && place.column == "sealed"
        }),
        ("tenant", |place, at| {
            place.row == at.row && place.table == "credentials" && place.column == "sealed"
        }),
    ];
    stack::with(async |stack| {
        let mut missed = Vec::new();
        for (part, forgets) in parts {
            let open = |keys: &TenantKeys,
                        place: Place<'_>,
                        version: i32,
                        bytes: &[u8],
                        all: &[ciphertexts::Sealed]| {
                let sealed = all.iter().find(|sealed| sealed.bytes == bytes && sealed.version == version);
                match sealed.filter(|sealed| forgets(place, sealed)) {
                    Some(sealed) => sealed.open(),
                    None => keys.open(place, version, bytes).map(drop),
                }
            };
            if ciphertexts::crossings(stack, 6, open).await.1.is_empty() {
                missed.push(part);
            }
        }
        report("sealed_values", parts.len(), missed.len());
        assert!(missed.is_empty(), "nothing noticed that these were not bound: {missed:?}");
    });
}
