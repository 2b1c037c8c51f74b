//! Lists: newest first, a page at a time, by the id of the last row seen. The cursor is opaque to callers.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use shared::{model::ids::Id, store::Page};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};
use uuid::Uuid;

/// The longest page.
const MAX_LIMIT: i64 = 200;

/// A page of a list.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    items: Vec<T>,
    next_cursor: Option<Cursor>,
}

/// How many rows a page has: 1 to 200, 50 if nothing is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit(i64);

/// Where a page begins: after the row of an id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor(Uuid);

/// The query of a list without filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Plain {
    /// How many items at most.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl Plain {
    /// The page, as the store takes it.
    pub(super) fn page(&self) -> Page {
        self.limit.page(self.cursor)
    }

    /// The row after which the page begins.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// The number of the last row seen, for a list that goes down by number.
    pub(super) fn number(&self) -> i32 {
        self.cursor.map_or(i32::MAX, |cursor| i32::try_from(cursor.0.as_u128()).unwrap_or(0))
    }
}

impl From<i32> for Numbered {
    fn from(number: i32) -> Self {
        Self(Uuid::from_u128(u128::from(number.unsigned_abs())))
    }
}

impl From<Uuid> for Numbered {
    fn from(value: Uuid) -> Self {
        Self(value)
    }
}

impl Id for Numbered {
    fn uuid(self) -> Uuid {
        self.0
    }
}

/// A number that a list goes by in place of an id.
#[derive(Clone, Copy)]
pub(super) struct Numbered(Uuid);

impl Limit {
    /// A page of this length and one row more, which tells whether another page follows.
    pub(super) fn page(self, cursor: Option<Cursor>) -> Page {
        Page { before: cursor.map_or(Uuid::max(), |c| c.0), limit: self.0 + 1 }
    }
}

impl Cursor {
    /// The id of the last row seen.
    pub(super) fn id(self) -> Uuid {
        self.0
    }
}

impl<T> List<T> {
    /// A list of the rows of a page, asked for with one row more.
    pub(super) fn of<R, I: Id>(
        mut rows: Vec<R>,
        page: Page,
        id: impl Fn(&R) -> I,
        item: impl Fn(R) -> T,
    ) -> Self {
        let limit = usize::try_from(page.limit - 1).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| Cursor(id(row).uuid()));
        Self { items: rows.into_iter().map(item).collect(), next_cursor }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(reader)?;
        let limit = text.parse().ok().filter(|n| (1..=MAX_LIMIT).contains(n));
        limit.map(Self).ok_or_else(|| D::Error::custom(format!("must be 1 to {MAX_LIMIT}")))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(reader)?;
        let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes()).ok();
        let id = bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
        id.map(Self).ok_or_else(|| D::Error::custom("is not a cursor of this API"))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<T: ToSchema> PartialSchema for List<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("`cursor` of the next page; null on the last."));
        let list = ObjectBuilder::new().property("items", items).required("items");
        list.property("next_cursor", cursor).required("next_cursor").into()
    }
}

impl<T: ToSchema> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}List", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests;
