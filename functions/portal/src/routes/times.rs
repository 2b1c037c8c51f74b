//! Instants in queries and bodies, and the ids that begin with them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};
use uuid::Uuid;

/// Instants that mean something here, in seconds since 1970: the years 1970 to 9998.
const RANGE_S: std::ops::Range<i64> = 0..253_370_764_800;

/// The smallest UUIDv7 of an instant's millisecond.
pub(super) fn first_id_at(at: Timestamp) -> Uuid {
    let ms = u128::try_from(at.as_millisecond().max(0)).unwrap_or(0);
    Uuid::from_u128(ms.min((1 << 48) - 1) << 80)
}

/// An RFC 3339 instant that may be absent. In a query the `+` of an offset comes as a space: taken as it was meant.
pub(super) fn instant<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<Cow<'de, str>>::deserialize(reader)? else { return Ok(None) };
    let at = text.replace(' ', "+").parse().ok().filter(|at: &Timestamp| RANGE_S.contains(&at.as_second()));
    at.map(Some).ok_or_else(|| {
        D::Error::custom("must be a time as in RFC 3339, 2027-01-31T06:00:00Z, from the year 1970 on")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Asked {
        #[serde(default, deserialize_with = "instant")]
        from: Option<Timestamp>,
    }

    #[test]
    fn an_instant_is_rfc_3339_and_in_range() {
        let read = |query: &str| serde_urlencoded::from_str::<Asked>(query).map(|a| a.from);
        assert_eq!(read("from=2027-01-31T07:00:00%2B01:00"), read("from=2027-01-31T06:00:00Z"));
        assert_eq!(read("from=2027-01-31T07:00:00+01:00"), read("from=2027-01-31T06:00:00Z"));
        assert_eq!(read(""), Ok(None));
        for query in [
            "from=",
            "from=yesterday",
            "from=2027-02-30T00:00:00Z",
            "from=-004000-01-01T00:00:00Z",
            "from=1e9",
        ] {
            assert!(read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn an_id_made_later_is_larger() {
        let at: Timestamp = "2027-01-31T06:00:00Z".parse().unwrap();
        assert_eq!(first_id_at(at).get_version_num(), 0);
        assert!(first_id_at(at) < first_id_at(at + jiff::SignedDuration::from_millis(1)));
    }
}
