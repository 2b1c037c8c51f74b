//! Rows as outputs: the first hundred of them as JSON objects, within 48 KiB, and how many there were.
//!
//! Booleans and numbers that JSON can hold stay what they are; numeric, dates, times and uuids become text; json stays json. A
//! column of another type is null: cast it to text.

use std::{error::Error as StdError, pin::pin};

use futures_util::TryStreamExt;
use jiff::{Timestamp, civil};
use serde_json::{Map, Value, json};
use tokio_postgres::{
    Error, Row, RowStream,
    types::{FromSql, Type},
};
use uuid::Uuid;

const ROWS: usize = 100;
const BYTES: usize = 48 * 1024;

/// Reads all rows, keeps the first.
pub(super) async fn outputs(rows: RowStream) -> Result<Value, Error> {
    let mut rows = pin!(rows);
    let (mut count, mut bytes, mut kept) = (0_u64, 0_usize, Vec::new());
    while let Some(row) = rows.try_next().await? {
        count += 1;
        if kept.len() < ROWS && bytes < BYTES {
            let row = object(&row);
            bytes += row.to_string().len();
            if bytes < BYTES {
                kept.push(row);
            }
        }
    }
    Ok(json!({ "row_count": count, "rows": kept }))
}

fn object(row: &Row) -> Value {
    let columns = row.columns().iter().enumerate();
    Value::Object(
        columns.map(|(at, c)| (c.name().to_owned(), value(row, at, c.type_()))).collect::<Map<_, _>>(),
    )
}

fn value(row: &Row, at: usize, ty: &Type) -> Value {
    match *ty {
        Type::BOOL => get::<bool>(row, at).map(Value::from),
        Type::INT2 => get::<i16>(row, at).map(Value::from),
        Type::INT4 => get::<i32>(row, at).map(Value::from),
        Type::INT8 => get::<i64>(row, at).map(Value::from),
        Type::FLOAT4 => get::<f32>(row, at).map(Value::from),
        Type::FLOAT8 => get::<f64>(row, at).map(Value::from),
        Type::NUMERIC => get::<Numeric>(row, at).map(|n| Value::from(n.0)),
        Type::JSON | Type::JSONB => get::<Value>(row, at),
        Type::UUID => get::<Uuid>(row, at).map(|v| Value::from(v.to_string())),
        Type::TIMESTAMPTZ => get::<Timestamp>(row, at).map(|v| Value::from(v.to_string())),
        Type::TIMESTAMP => get::<civil::DateTime>(row, at).map(|v| Value::from(v.to_string())),
        Type::DATE => get::<civil::Date>(row, at).map(|v| Value::from(v.to_string())),
        Type::TIME => get::<civil::Time>(row, at).map(|v| Value::from(v.to_string())),
        _ => get::<String>(row, at).map(Value::from),
    }
    .unwrap_or(Value::Null)
}

fn get<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Option<T> {
    row.try_get::<_, Option<T>>(at).ok().flatten()
}

/// A numeric as its decimal text, from the wire form (numeric_send in PostgreSQL: count, weight, sign, scale, digits base 10,000).
struct Numeric(String);

impl FromSql<'_> for Numeric {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        decimal(raw).map(Self).ok_or_else(|| "not a numeric".into())
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::NUMERIC
    }
}

fn decimal(raw: &[u8]) -> Option<String> {
    let word = |at: usize| raw.get(at * 2..at * 2 + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let (count, weight, sign, scale) =
        (usize::from(word(0)?), word(1)?.cast_signed(), word(2)?, usize::from(word(3)?));
    match sign {
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let digits = (0..count).map(|n| word(4 + n)).collect::<Option<Vec<u16>>>()?;
    let digit = |position: i32| {
        usize::try_from(i32::from(weight) - position).ok().and_then(|n| digits.get(n)).copied().unwrap_or(0)
    };
    let whole: String = (0..=i32::from(weight)).rev().map(|p| format!("{:04}", digit(p))).collect();
    let whole = whole.trim_start_matches('0');
    let mut text = String::from(if sign == 0x4000 { "-" } else { "" });
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let places = i32::try_from(scale.div_ceil(4)).ok()?;
        let fraction: String = (1..=places).map(|p| format!("{:04}", digit(-p))).collect();
        text.push('.');
        text.push_str(fraction.get(..scale)?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(words: &[u16]) -> Option<String> {
        decimal(&words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn a_numeric_is_read_to_its_last_digit() {
        assert_eq!(wire(&[2, 0, 0, 2, 12, 3400]).as_deref(), Some("12.34"));
        assert_eq!(wire(&[1, 0xFFFF, 0, 3, 50]).as_deref(), Some("0.005"));
        assert_eq!(wire(&[1, 1, 0x4000, 0, 1]).as_deref(), Some("-10000"));
        assert_eq!(wire(&[0, 0, 0, 1]).as_deref(), Some("0.0"));
        assert_eq!(wire(&[0, 0, 0xC000, 0]).as_deref(), Some("NaN"));
        assert_eq!(wire(&[9, 0, 0, 0]), None);
    }
}
