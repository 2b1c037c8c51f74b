//! `signalbox verify-audit FILE`: checks an export of the audit and event logs, as `docs/audit.md` specifies it.
//!
//! The file holds JSON documents one after another: pages of `GET /audit/export`, or bare items, one a line.

use std::io::Read;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};

const AUDIT: &str = "tenant_id id at actor_kind actor_id actor_name action target_kind target_id before_digest \
                     after_digest request_id source_address detail tx";
const EVENTS: &str =
    "tenant_id id run_id task_run_id attempt_id from_state to_state reason actor_kind actor_id at detail tx";
const SEALS: &str = "tenant_id number epoch format audit_rows event_rows first_tx first_id last_tx last_id root previous \
                     sealed_at";

type Hash = Vec<u8>;
type Item = Map<String, Value>;
/// Where a row stands: its transaction and its id, whose text sorts as its bytes do.
type Place = (u64, String);

/// What was found right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Seals.
    pub seals: u64,
    /// Rows they cover.
    pub rows: usize,
    /// The last seal, `12.9f86…`.
    pub head: Option<String>,
    /// When it was made.
    pub sealed_at: Option<String>,
}

/// The chain as far as it was followed, and the rows since its last seal.
#[derive(Default)]
struct Chain {
    found: Verified,
    tenant: Option<String>,
    epoch: u64,
    previous: Hash,
    last: Place,
    rows: Vec<(Place, bool, Hash)>,
    heads: Vec<String>,
}

/// Checks an export; `pin` is a head noted earlier, which its chain must hold. The error says what is wrong first.
pub fn verify(file: impl Read, pin: Option<&str>) -> Result<Verified, String> {
    let nil = "00000000-0000-0000-0000-000000000000".to_owned();
    let mut chain = Chain { epoch: 1, previous: vec![0; 32], last: (0, nil), ..Chain::default() };
    for document in serde_json::Deserializer::from_reader(file).into_iter::<Item>() {
        let mut document = document.map_err(|error| format!("the file is not an export: {error}"))?;
        match document.remove("items") {
            Some(Value::Array(items)) => {
                for item in items {
                    let Value::Object(item) = item else { return Err("an item is not an object".to_owned()) };
                    chain.take(&item)?;
                }
            }
            Some(_) => return Err("`items` is not a list".to_owned()),
            None => chain.take(&document)?,
        }
    }
    if !chain.rows.is_empty() {
        return Err(format!("{} rows at the end have no seal: the export is not whole", chain.rows.len()));
    }
    if let Some(pin) = pin
        && !chain.heads.iter().any(|head| head == pin)
    {
        return Err("the chain does not hold the head that was pinned".to_owned());
    }
    Ok(chain.found)
}

impl Chain {
    fn take(&mut self, item: &Item) -> Result<(), String> {
        match text(item, "log")? {
            "audit" => self.row(item, "audit", AUDIT),
            "events" => self.row(item, "events", EVENTS),
            "seals" => self.seal(item),
            other => Err(format!("{other} is no log")),
        }
    }

    fn row(&mut self, item: &Item, log: &str, columns: &str) -> Result<(), String> {
        self.owner(item)?;
        let place = place(item, "tx", "id")?;
        self.rows.push((place, log == "audit", hash(0, log, item, columns)?));
        Ok(())
    }

    /// Everything in an export is of one workspace.
    fn owner(&mut self, item: &Item) -> Result<(), String> {
        let tenant = text(item, "tenant_id")?;
        match &self.tenant {
            Some(known) if known != tenant => Err("it holds rows of two workspaces".to_owned()),
            Some(_) => Ok(()),
            None => {
                self.tenant = Some(tenant.to_owned());
                Ok(())
            }
        }
    }

    fn seal(&mut self, item: &Item) -> Result<(), String> {
        self.owner(item)?;
        let number = number(item, "number")?;
        let wrong = |what: &str| Err(format!("seal {number}: {what}"));
        if number != self.found.seals + 1 {
            return wrong("a seal is missing before it");
        }
        let computed = hash(2, "seals", item, SEALS)?;
        if hex(&computed) != text(item, "hash")? {
            return wrong("its hash is not that of its content");
        }
        if text(item, "previous")? != hex(&self.previous) {
            return wrong("it does not follow the one before it");
        }
        let (first, last) = (place(item, "first_tx", "first_id")?, place(item, "last_tx", "last_id")?);
        let epoch = self::number(item, "epoch")?;
        let rows = std::mem::take(&mut self.rows);
        let count = |of_audit: bool| rows.iter().filter(|row| row.1 == of_audit).count();
        let counted = (count(true).to_string(), count(false).to_string());
        if counted != (text(item, "audit_rows")?.to_owned(), text(item, "event_rows")?.to_owned()) {
            return wrong("it does not cover as many rows as there are");
        }
        let opens = rows.is_empty() && epoch == self.epoch + 1;
        let goes_on = rows.first().is_some_and(|row| row.0 == first && row.0 > self.last)
            && rows.last().is_some_and(|row| row.0 == last)
            && rows.is_sorted_by(|a, b| a.0 < b.0 || a.0 == b.0 && a.1 && !b.1)
            && epoch == self.epoch;
        if !(opens || goes_on) {
            return wrong("its rows are not where it says");
        }
        let leaves: Vec<Hash> = rows.iter().map(|row| row.2.clone()).collect();
        if hex(&root(&leaves)) != text(item, "root")? {
            return wrong("a row was changed, moved or replaced");
        }
        self.found.rows += leaves.len();
        self.found.seals = number;
        let head = format!("{number}.{}", hex(&computed));
        self.heads.push(head.clone());
        self.found.head = Some(head);
        self.found.sealed_at = Some(text(item, "sealed_at")?.to_owned());
        (self.previous, self.last, self.epoch) = (computed, last, epoch);
        Ok(())
    }
}

/// RFC 6962, 2.1, as it is written.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => one.clone(),
        many => {
            let (left, right) = many.split_at(1 << (many.len() - 1).ilog2());
            sha256(&[vec![1], root(left), root(right)].concat())
        }
    }
}

/// The hash of an item: a byte for what it is, then each field with its length before it; FFFFFFFF for null.
fn hash(domain: u8, log: &str, item: &Item, columns: &str) -> Result<Hash, String> {
    let mut bytes = vec![domain];
    let mut put = |field: Option<&str>| {
        let length = field.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap_or(u32::MAX - 1));
        bytes.extend(length.to_be_bytes());
        bytes.extend(field.unwrap_or_default().as_bytes());
    };
    put(Some(log));
    for column in columns.split_whitespace() {
        match item.get(column) {
            Some(Value::String(text)) => put(Some(text)),
            Some(Value::Null) => put(None),
            _ => return Err(format!("an item of {log} has no text {column}")),
        }
    }
    let known = 1 + columns.split_whitespace().count() + usize::from(log == "seals");
    if item.len() != known {
        return Err(format!("an item of {log} has a column that nothing vouches for"));
    }
    Ok(sha256(&bytes))
}

fn place(item: &Item, tx: &str, id: &str) -> Result<Place, String> {
    Ok((number(item, tx)?, text(item, id)?.to_owned()))
}

fn number(item: &Item, column: &str) -> Result<u64, String> {
    text(item, column)?.parse().map_err(|_| format!("{column} is not a number"))
}

fn text<'a>(item: &'a Item, column: &str) -> Result<&'a str, String> {
    item.get(column).and_then(Value::as_str).ok_or_else(|| format!("an item has no {column}"))
}

fn sha256(bytes: &[u8]) -> Hash {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
