//! The offline verifier of exports: structure, counts, hashes and signature of a folder of files against a file of public keys.
//! It asks no server and shares no code with what writes exports, so that the two can only agree about the format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";

/// What is signed ahead of the manifest's bytes.
const PURPOSE: &[u8] = b"signalbox manifest\n";

/// Why an export does not hold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not hold; in a sentence.
    #[error("this export does not hold: {0}")]
    Wrong(String),
}

/// What was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Files, beside the manifest and its signature.
    pub files: usize,
    /// Rows in all of them.
    pub rows: u64,
    /// The workspace.
    pub tenant: String,
    /// The instant of the snapshot.
    pub at: String,
    /// The key that signed.
    pub key: String,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, rows, tenant, at, key } = self;
        write!(f, "ok: {rows} rows in {files} files of workspace {tenant} as of {at}, signed by {key}")
    }
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    id: String,
    algorithm: String,
    public_key: String,
}

#[derive(Deserialize)]
struct Signature {
    algorithm: String,
    key_id: String,
    signature: String,
}

#[derive(Deserialize)]
struct Manifest {
    format: u32,
    kind: String,
    tenant_id: String,
    at: String,
    tables: Vec<Table>,
    files: Vec<File>,
    rows: u64,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    rows: u64,
    sha256: String,
}

#[derive(Deserialize)]
struct File {
    name: String,
    table: String,
    rows: u64,
    bytes: u64,
    sha256: String,
}

/// Checks the export in a folder against a file of public keys.
pub fn export(folder: &Path, keys: &Path) -> Result<Checked, VerifyError> {
    let text = read(&folder.join(MANIFEST))?;
    let key = signed_by(&text, &read(&folder.join(SIGNATURE))?, &read(keys)?)?;
    let manifest: Manifest = parse(&text, MANIFEST)?;
    if (manifest.format, manifest.kind.as_str()) != (1, "export") {
        return wrong(format!("it is of kind {:?}, format {}", manifest.kind, manifest.format));
    }
    nothing_else(folder, &manifest)?;
    let mut tables: BTreeMap<&str, (u64, Context)> = BTreeMap::new();
    for file in &manifest.files {
        let bytes = read(&folder.join(&file.name))?;
        holds(file, &bytes)?;
        let (rows, hash) = tables.entry(&file.table).or_insert_with(|| (0, Context::new(&SHA256)));
        *rows += file.rows;
        hash.update(&bytes);
    }
    for table in &manifest.tables {
        let (rows, hash) = tables.remove(table.name.as_str()).unwrap_or_else(|| (0, Context::new(&SHA256)));
        if rows != table.rows || hex(hash.finish().as_ref()) != table.sha256 {
            return wrong(format!("the files of {} are not what its entry says", table.name));
        }
    }
    if let Some(table) = tables.keys().next() {
        return wrong(format!("{table} has files and no entry"));
    }
    let rows = manifest.files.iter().map(|file| file.rows).sum();
    if rows != manifest.rows {
        return wrong(format!("it has {rows} rows and says {}", manifest.rows));
    }
    Ok(Checked { files: manifest.files.len(), rows, tenant: manifest.tenant_id, at: manifest.at, key })
}

/// The id of the key whose signature the manifest bears.
fn signed_by(manifest: &[u8], signature: &[u8], keys: &[u8]) -> Result<String, VerifyError> {
    let signature: Signature = parse(signature, SIGNATURE)?;
    let keys: Keys = parse(keys, "the file of public keys")?;
    let is_it = |key: &&Key| key.id == signature.key_id && key.algorithm == signature.algorithm;
    let Some(key) = keys.keys.iter().find(is_it).filter(|key| key.algorithm == "ed25519") else {
        return wrong(format!("it is signed by {}, which is none of the keys", signature.key_id));
    };
    let (Ok(public), Ok(given)) = (STANDARD.decode(&key.public_key), STANDARD.decode(&signature.signature))
    else {
        return wrong("a key or the signature is not base64".to_owned());
    };
    let message = [PURPOSE, manifest].concat();
    match UnparsedPublicKey::new(&ED25519, public).verify(&message, &given) {
        Ok(()) => Ok(key.id.clone()),
        Err(_) => wrong(format!("{SIGNATURE} is not the signature of {MANIFEST}")),
    }
}

/// The folder has the files of the manifest, each named once, and no other.
fn nothing_else(folder: &Path, manifest: &Manifest) -> Result<(), VerifyError> {
    let mut named = BTreeSet::from([MANIFEST, SIGNATURE]);
    for file in &manifest.files {
        let is_plain = file.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_plain || file.name.starts_with('.') || !named.insert(&file.name) {
            return wrong(format!("{:?} is named twice, or is no name", file.name));
        }
    }
    let failed = |source| VerifyError::Unreadable { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !named.contains(name.as_str()) {
            return wrong(format!("{name} is not in the manifest"));
        }
    }
    Ok(())
}

/// A file is as long as it should be, has its hash, and its lines are JSON objects.
fn holds(file: &File, bytes: &[u8]) -> Result<(), VerifyError> {
    if bytes.len() as u64 != file.bytes || hex(digest(&SHA256, bytes).as_ref()) != file.sha256 {
        return wrong(format!("{} was changed or cut", file.name));
    }
    let whole = bytes.is_empty() || bytes.ends_with(b"\n");
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let is_object = |line: &&[u8]| serde_json::from_slice::<Map<String, Value>>(line).is_ok();
    if !whole || lines.len() as u64 != file.rows || !lines.iter().all(is_object) {
        return wrong(format!("{} has not {} lines of JSON", file.name, file.rows));
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, VerifyError> {
    serde_json::from_slice(bytes).or_else(|error| wrong(format!("{what} cannot be read: {error}")))
}

fn read(path: &Path) -> Result<Vec<u8>, VerifyError> {
    fs::read(path).map_err(|source| VerifyError::Unreadable { path: path.to_owned(), source })
}

fn wrong<T>(why: String) -> Result<T, VerifyError> {
    Err(VerifyError::Wrong(why))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
