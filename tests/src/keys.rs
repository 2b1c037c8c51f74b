//! A workspace's keys as whoever has everything sees them: the salts, the root key's secret, and what was sealed with both. And the
//! secret as the people who run the installation change it.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use local::stack::Stack;
use serde_json::{Value, json};
use shared::{
    keys::{CannotOpen, Salt, TenantKeys, random},
    model::ids::{TenantId, VaultId},
    secrets::KeyRing,
    store::credentials::{place, row_of},
};
use uuid::Uuid;

use crate::{
    archive,
    caller::Caller,
    database,
    tenant::Tenant,
    work::{self, SOON},
};

/// Past the time after which a rotation looks once more.
pub const PAST_THE_CONFIRMATION: Duration = Duration::from_secs(31);

/// The root key as its secret has it.
pub async fn ring(stack: &Stack) -> KeyRing {
    let arn = stack.cloud().secret_arn("root-key");
    database::secrets(stack).await.key_ring(&arn).await.expect("the root key")
}

/// The salts of a workspace, oldest first.
pub async fn salts(stack: &Stack, tenant: Uuid) -> Vec<Salt> {
    let ask = "select version, salt, root_version from system.tenant_keys where tenant_id = $1 order by 1";
    let rows = database::superuser(stack).await.query(ask, &[&tenant]).await.expect("the salts");
    let root = |version: Option<i32>| version.and_then(|version| u32::try_from(version).ok());
    rows.iter().map(|row| Salt::new(row.get(0), row.get(1), root(row.get(2)))).collect()
}

/// The versions of a workspace's keys, oldest first.
pub async fn versions(stack: &Stack, tenant: &Tenant) -> Vec<i32> {
    salts(stack, tenant.id).await.iter().map(|salt| salt.version).collect()
}

/// The credentials of a workspace by name: the version of the key, and what opening gives.
pub async fn credentials(
    stack: &Stack,
    tenant: &Tenant,
) -> BTreeMap<String, (i32, Result<String, CannotOpen>)> {
    let keys = TenantKeys::new(ring(stack).await, salts(stack, tenant.id).await);
    let ask = format!("select vault_id, name, key_version, sealed from \"{}\".credentials", tenant.schema);
    let rows = database::superuser(stack).await.query(&ask, &[]).await.expect("the credentials");
    let mut opened = BTreeMap::new();
    for row in rows {
        let (vault, name): (Uuid, String) = (row.get(0), row.get(1));
        let (version, sealed): (i32, Vec<u8>) = (row.get(2), row.get(3));
        let place_in = row_of(VaultId::from(vault), &name);
        let secret = keys.open(place(TenantId::from(tenant.id), &place_in), version, &sealed);
        opened.insert(name, (version, secret.map(|s| s.expose_str().expect("text").to_owned())));
    }
    opened
}

/// Asks for a rotation and lets time pass until it has ended.
pub async fn rotate(stack: &Stack, by: &Caller) -> Value {
    let asked = by.post("/workspace/rotations", &json!({})).await.expect(202);
    rotated(stack, by, &asked).await
}

/// Lets time pass until a rotation has ended.
pub async fn rotated(stack: &Stack, by: &Caller, asked: &Value) -> Value {
    let path = format!("/workspace/operations/{}", work::id(asked));
    work::until("everything is sealed anew", SOON, async || {
        let seen = by.get(&path).await.expect(200);
        seen["step"] == "confirm" || !seen["finished_at"].is_null()
    })
    .await;
    stack.advance(PAST_THE_CONFIRMATION).await.expect("time passes");
    archive::wait(by, asked).await
}

/// Gives the root key a version, which becomes the current one.
pub fn add_root(stack: &Stack) -> u32 {
    let mut ring = read(stack);
    let version = ring["current"].as_u64().expect("a version") + 1;
    ring["current"] = version.into();
    ring["keys"][version.to_string()] = STANDARD.encode(random(32).expect("random bytes")).into();
    write(stack, &ring);
    u32::try_from(version).expect("a version")
}

/// Takes a version away from the root key; gives it, for [`put_back`].
pub fn remove_root(stack: &Stack, version: u32) -> Value {
    let mut ring = read(stack);
    let taken = ring["keys"][version.to_string()].take();
    ring["keys"].as_object_mut().expect("keys").remove(&version.to_string());
    write(stack, &ring);
    taken
}

/// Puts a key under a version of the root key.
pub fn put_back(stack: &Stack, version: u32, key: &Value) {
    let mut ring = read(stack);
    ring["keys"][version.to_string()] = key.clone();
    write(stack, &ring);
}

fn file(stack: &Stack) -> PathBuf {
    stack.data_dir().join("secrets/root-key")
}

fn read(stack: &Stack) -> Value {
    serde_json::from_slice(&fs::read(file(stack)).expect("the root key")).expect("JSON")
}

fn write(stack: &Stack, ring: &Value) {
    fs::write(file(stack), ring.to_string()).expect("written");
}
