//! Exports and backups as a customer's program would make them: asked for, waited for, fetched into a folder.

use std::fs;
use std::path::{Path, PathBuf};

use local::stack::Stack;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    caller::{Answer, Caller},
    stack, tenant,
    work::{self, SOON},
};

/// Asks for an operation below `/workspace` and waits for its end, whatever that is.
pub async fn ended(by: &Caller, path: &str, body: &Value) -> Value {
    let asked = by.post(path, body).await.expect(202);
    wait(by, &asked).await
}

/// Waits for the end of an operation that was asked for.
pub async fn wait(by: &Caller, asked: &Value) -> Value {
    let path = format!("/workspace/operations/{}", work::id(asked));
    work::until("the operation ends", SOON, async || {
        let state = by.get(&path).await.expect(200)["state"].clone();
        state != "pending" && state != "running"
    })
    .await;
    by.get(&path).await.expect(200)
}

/// An operation that must have come to its end.
pub async fn done(by: &Caller, path: &str, body: &Value) -> Value {
    let ended = ended(by, path, body).await;
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    ended
}

/// A file of an export.
pub async fn file(by: &Caller, export: &Value, name: &str) -> Answer {
    by.get(&format!("/workspace/exports/{}/files/{name}", work::id(export))).await
}

/// Fetches an export and the public keys, file by file: the folder of the export, and the file of the keys beside it.
pub async fn fetch(by: &Caller, export: &Value) -> (PathBuf, PathBuf) {
    let folder = stack::folder(&format!("export-{}", tenant::random_id()));
    fs::create_dir_all(&folder).expect("a folder");
    let manifest = file(by, export, "manifest.json").await;
    let said = manifest.expect(200);
    fs::write(folder.join("manifest.json"), &manifest.body).expect("written");
    let files = said["files"].as_array().expect("files").iter().filter_map(|file| file["name"].as_str());
    for name in files.chain(["manifest.sig"]) {
        let answer = file(by, export, name).await;
        answer.expect(200);
        fs::write(folder.join(name), &answer.body).expect("written");
    }
    let keys = folder.with_extension("keys.json");
    let answer = by.get("/workspace/signing-keys").await;
    answer.expect(200);
    fs::write(&keys, &answer.body).expect("written");
    (folder, keys)
}

/// Where the stack keeps an archive.
pub fn shelf(stack: &Stack, tenant: Uuid, kind: &str, made: &Value) -> PathBuf {
    stack.data_dir().join("archive").join(tenant.to_string()).join(kind).join(work::id(made))
}

/// Every file below a folder with its bytes; empty where there is none.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).expect("a file");
            found.push((path, bytes));
        }
    }
    found
}
