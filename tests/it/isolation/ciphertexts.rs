//! Sealed values moved between workspaces, rows, columns, tables and key versions: none opens where it was not sealed.

use local::stack::Stack;
use serde_json::json;
use shared::{
    keys::{CannotOpen, Place, Salt, TenantKeys},
    model::ids::TenantId,
    secrets::Secret,
};
use tests::{
    database, scale, stack,
    tenant::{self, random_id},
    work,
    world::World,
};

const TENANTS: usize = 50;

/// One workspace's keys and what they sealed.
pub(super) struct Sealed {
    pub(super) tenant: TenantId,
    keys: TenantKeys,
    pub(super) row: String,
    pub(super) version: i32,
    pub(super) bytes: Vec<u8>,
}

impl Sealed {
    /// Opens it where it belongs.
    pub(super) fn open(&self) -> Result<(), CannotOpen> {
        self.keys.open(self.place(), self.version, &self.bytes).map(drop)
    }

    fn place(&self) -> Place<'_> {
        Place { tenant: self.tenant, table: "credentials", column: "sealed", row: &self.row }
    }
}

/// As many workspaces as there are salts for: keys from the stack's root, as the functions make them, two versions each.
async fn sealed(stack: &Stack, tenants: usize) -> Vec<Sealed> {
    let root = stack.cloud().secret_arn("root-key");
    let root = database::secrets(stack).await.key_ring(&root).await.expect("the root key");
    let salt = |version| Salt::new(version, shared::keys::random(32).expect("bytes"), None);
    let salts = || vec![salt(1), salt(2)];
    let seal = |_| {
        let (tenant, row) = (TenantId::from(random_id()), random_id().to_string());
        let keys = TenantKeys::new(root.clone(), salts());
        let place = Place { tenant, table: "credentials", column: "sealed", row: &row };
        let (version, bytes) = keys.seal(place, &Secret::new(b"a canary".to_vec())).expect("sealed");
        Sealed { tenant, keys, row, version, bytes }
    };
    (0..tenants).map(seal).collect()
}

/// What somebody might move between two workspaces: whose keys, in which place, and whose bytes.
fn between<'a>(
    ours: &'a Sealed,
    theirs: &'a Sealed,
) -> [(&'static str, &'a TenantKeys, Place<'a>, &'a Sealed); 5] {
    let (here, there) = (ours.place(), theirs.place());
    [
        ("theirs among ours", &ours.keys, here, theirs),
        ("theirs with their row", &ours.keys, Place { row: &theirs.row, ..here }, theirs),
        ("our keys in their place", &ours.keys, there, theirs),
        ("their keys in our place", &theirs.keys, Place { tenant: ours.tenant, ..there }, theirs),
        ("another row", &ours.keys, Place { row: &theirs.row, ..here }, ours),
    ]
}

/// How often something was opened elsewhere than where it was sealed, of how many tries.
pub(super) async fn crossings(
    stack: &Stack,
    tenants: usize,
    open: impl Fn(&TenantKeys, Place<'_>, i32, &[u8], &[Sealed]) -> Result<(), CannotOpen>,
) -> (usize, Vec<String>) {
    let all = sealed(stack, tenants).await;
    let (mut tried, mut opened) = (0, Vec::new());
    let mut attempt = |what: &str, keys: &TenantKeys, place: Place<'_>, version: i32, bytes: &[u8]| {
        tried += 1;
        if open(keys, place, version, bytes, &all).is_ok() {
            opened.push(format!("{what}: {place:?}"));
        }
    };
    for ours in &all {
        assert!(ours.open().is_ok(), "it opens where it belongs");
        for theirs in all.iter().filter(|theirs| theirs.tenant != ours.tenant) {
            for (what, keys, place, of) in between(ours, theirs) {
                attempt(what, keys, place, of.version, &of.bytes);
            }
        }
        attempt(
            "another table",
            &ours.keys,
            Place { table: "vaults", ..ours.place() },
            ours.version,
            &ours.bytes,
        );
        attempt(
            "another column",
            &ours.keys,
            Place { column: "name", ..ours.place() },
            ours.version,
            &ours.bytes,
        );
        for version in [1, 3, 0, -1] {
            attempt("another version", &ours.keys, ours.place(), version, &ours.bytes);
        }
        for at in 0..ours.bytes.len() {
            let mut bent = ours.bytes.clone();
            bent[at] ^= 1;
            attempt("a bit", &ours.keys, ours.place(), ours.version, &bent);
        }
    }
    (tried, opened)
}

#[test]
fn a_sealed_value_that_was_moved_does_not_open() {
    stack::with(async |stack| {
        let open = |keys: &TenantKeys, place: Place<'_>, version: i32, bytes: &[u8], _: &[Sealed]| {
            keys.open(place, version, bytes).map(drop)
        };
        let (tried, opened) = crossings(stack, TENANTS, open).await;
        let counts = [("ciphertexts_moved", tried.to_string()), ("opened", opened.len().to_string())];
        scale::say("isolation", &counts);
        assert!(opened.is_empty(), "{}", opened.join("\n"));
        assert!(tried >= TENANTS * (TENANTS - 1) * 5);
    });
}

/// The same with the product's own rows: another workspace's sealed value put into our row by whoever holds the database.
#[test]
fn a_credential_put_into_another_workspaces_row_is_sent_to_nobody() {
    stack::with(async |stack| {
        let (ours, theirs) = (tenant::new(stack).await, tenant::new(stack).await);
        let world = World::at_once();
        let canary = format!("canary-{}", random_id().simple());
        let mut connections = Vec::new();
        for tenant in [&ours, &theirs] {
            let by = &tenant.administrator;
            let vault = work::vault(by, "vault").await;
            work::credential(by, &vault, "token", &canary).await;
            let connection = json!({
                "name": "platform", "kind": "http", "settings": { "base_url": world.url(), "auth": { "type": "bearer" } },
                "credential": { "vault": "vault", "name": "token" },
            });
            connections.push(by.post("/connections", &connection).await.expect(201));
        }
        let client = database::superuser(stack).await;
        let swap = format!(
            "update \"{}\".credentials c set sealed = t.sealed, key_version = t.key_version from \"{}\".credentials t",
            ours.schema, theirs.schema
        );
        assert_eq!(client.execute(&swap, &[]).await.expect("the superuser may"), 1);
        let run = |tenant: &tenant::Tenant| {
            let by = tenant.administrator.clone();
            async move {
                let job = work::job(&by, "job", &work::chain("platform", 1)).await;
                let run = work::run(&by, &job).await;
                let path = format!("/runs/{}", work::id(&run));
                let ended = async || !by.get(&path).await.expect(200)["finished_at"].is_null();
                work::until("the run ends", work::SOON, ended).await;
                by.get(&path).await.expect(200)
            }
        };
        let theirs_ran = run(&theirs).await;
        assert_eq!(theirs_ran["state"], "succeeded", "theirs opens where it was sealed: {theirs_ran}");
        let before = world.len();
        let ours_ran = run(&ours).await;
        assert_eq!(ours_ran["state"], "failed", "{ours_ran}");
        assert_eq!(world.len(), before, "nothing left with a credential that does not open");
    });
}
