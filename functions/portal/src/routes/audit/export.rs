//! The sealed part of the audit and event logs as it was sealed: rows, and behind each batch its seal, oldest first. What a
//! verifier needs, and nothing else; `docs/audit.md` specifies it.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use shared::{
    seal::{AUDIT, EVENTS, Position, SEALS, Seal, hex},
    store::seals::{self, Logged, Range},
};
use utoipa::{IntoParams, ToSchema};

use crate::{argument::Query, caller::Caller, fault::Answered, reply::Found};

/// Rows read at once.
const ROWS: usize = 500;
/// A page ends behind this many bytes; a function's answer may have six million.
const BYTES: usize = 2_000_000;

/// A page of the export.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct AuditExport {
    /// Rows and seals: each column's text, or null, and `log`: `audit`, `events` or `seals`.
    #[schema(value_type = Vec<BTreeMap<String, Option<String>>>)]
    items: Vec<Item>,
    /// `cursor` of the next page; null on the last.
    next_cursor: Option<String>,
}

type Item = BTreeMap<&'static str, Option<String>>;

/// The query of the export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `next_cursor` of the page before.
    #[serde(default, deserialize_with = "place")]
    #[param(value_type = Option<String>)]
    cursor: Option<Place>,
}

/// How far an export has come: seals that are out, and the last row.
#[derive(Clone, Copy, Debug)]
struct Place {
    seals: i64,
    after: Position,
}

pub(super) async fn export(caller: Caller, Query(asked): Query<Asked>) -> Answered<Found<AuditExport>> {
    let held = caller.read().await?;
    let mut place = asked.cursor.unwrap_or(Place { seals: 0, after: Position::START });
    let current = seals::last(&held).await?.map_or(1, |seal| seal.epoch);
    let mut page = AuditExport::default();
    let mut bytes = 0;
    while let Some(seal) = seals::after(&held, place.seals, 1).await?.pop() {
        let epoch = if seal.epoch == current { 0 } else { seal.epoch };
        let range = Range { epoch, after: place.after, through: seal.last, limit: ROWS };
        let mut rows = seals::rows(&held, range, |row| (row.position, item(row))).await?;
        let is_cut = rows.len() == ROWS;
        if let (true, Some((last, _))) = (is_cut, rows.last()) {
            // Two rows may stand at one place: the next page begins with both.
            let last = *last;
            rows.retain(|(position, _)| *position != last);
        }
        place.after = rows.last().map_or(place.after, |(position, _)| *position);
        bytes += rows.iter().map(|(_, item)| size(item)).sum::<usize>();
        page.items.extend(rows.into_iter().map(|(_, item)| item));
        if !is_cut {
            place = Place { seals: seal.number, after: seal.last };
            page.items.push(sealed(&seal));
        }
        if bytes > BYTES {
            page.next_cursor = Some(place.to_string());
            break;
        }
    }
    held.into_tx().commit().await?;
    Ok(Found::of(&page))
}

fn item(row: &Logged<'_>) -> Item {
    let columns: &[&'static str] = if row.log == "audit" { &AUDIT } else { &EVENTS };
    let log = if row.log == "audit" { "audit" } else { "events" };
    let fields = row.fields.iter().map(|field| field.map(str::to_owned));
    columns.iter().copied().zip(fields).chain([("log", Some(log.to_owned()))]).collect()
}

fn sealed(seal: &Seal) -> Item {
    let fields = SEALS.into_iter().zip(seal.fields().map(Some));
    fields.chain([("hash", Some(hex(&seal.hash))), ("log", Some("seals".to_owned()))]).collect()
}

fn size(item: &Item) -> usize {
    item.iter().map(|(name, text)| name.len() + text.as_ref().map_or(4, String::len) + 6).sum()
}

fn place<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Place>, D::Error> {
    let text = String::deserialize(reader)?;
    text.parse().map(Some).map_err(|()| D::Error::custom("is not a cursor of this API"))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.seals, self.after.tx, self.after.id)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        let seals = part()?.parse().ok().filter(|n| (0..i64::MAX).contains(n)).ok_or(())?;
        let tx = part()?.parse().map_err(|_| ())?;
        let id = part()?.parse().map_err(|_| ())?;
        Ok(Self { seals, after: Position { tx, id } })
    }
}
