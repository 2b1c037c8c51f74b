//! Parameters with their SQL types (statements are unnamed, so the server is told the types), and rows to structs.

use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};
use uuid::Uuid;

use crate::{error::DbError, model::ids::*};

/// A value that can be bound: it knows its SQL type.
pub trait Param: Sync {
    /// The value as the driver takes it.
    fn as_sql(&self) -> &(dyn ToSql + Sync);
    /// Its SQL type.
    fn sql_type(&self) -> Type;
}

/// A struct read from one row.
pub trait FromRow: Sized {
    /// Reads the row's columns by name.
    fn from_row(row: &Row) -> Result<Self, DbError>;
}

macro_rules! params {
    ($($rust:ty => $one:ident, $many:ident;)*) => {$(
        impl Param for $rust {
            fn as_sql(&self) -> &(dyn ToSql + Sync) { self }
            fn sql_type(&self) -> Type { Type::$one }
        }
        impl Param for Option<$rust> {
            fn as_sql(&self) -> &(dyn ToSql + Sync) { self }
            fn sql_type(&self) -> Type { Type::$one }
        }
        impl Param for Vec<$rust> {
            fn as_sql(&self) -> &(dyn ToSql + Sync) { self }
            fn sql_type(&self) -> Type { Type::$many }
        }
        impl Param for &[$rust] {
            fn as_sql(&self) -> &(dyn ToSql + Sync) { self }
            fn sql_type(&self) -> Type { Type::$many }
        }
        impl Param for Vec<Option<$rust>> {
            fn as_sql(&self) -> &(dyn ToSql + Sync) { self }
            fn sql_type(&self) -> Type { Type::$many }
        }
    )*};
}

params! {
    Uuid => UUID, UUID_ARRAY;
    &str => TEXT, TEXT_ARRAY;
    String => TEXT, TEXT_ARRAY;
    i16 => INT2, INT2_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i64 => INT8, INT8_ARRAY;
    f64 => FLOAT8, FLOAT8_ARRAY;
    bool => BOOL, BOOL_ARRAY;
    Timestamp => TIMESTAMPTZ, TIMESTAMPTZ_ARRAY;
    Value => JSONB, JSONB_ARRAY;
    Vec<u8> => BYTEA, BYTEA_ARRAY;
}

impl Param for &[u8] {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        self
    }
    fn sql_type(&self) -> Type {
        Type::BYTEA
    }
}

macro_rules! id_params {
    ($($id:ident)*) => {
        $(
            impl ToSql for $id {
                fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
                    self.uuid().to_sql(ty, out)
                }
                fn accepts(ty: &Type) -> bool {
                    <Uuid as ToSql>::accepts(ty)
                }
                to_sql_checked!();
            }
            impl<'a> FromSql<'a> for $id {
                fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                    Uuid::from_sql(ty, raw).map(Self::from)
                }
                fn accepts(ty: &Type) -> bool {
                    <Uuid as FromSql>::accepts(ty)
                }
            }
        )*
        params! { $($id => UUID, UUID_ARRAY;)* }
    };
}
crate::with_ids!(id_params);

/// Parameters as the driver takes them.
pub(super) fn typed<'a>(params: &[&'a dyn Param]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params.iter().map(|p| (p.as_sql(), p.sql_type())).collect()
}
