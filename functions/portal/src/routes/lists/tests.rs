//! Pages and cursors.

use shared::model::ids::RunId;

use super::*;

fn read(query: &str) -> Result<Plain, String> {
    serde_urlencoded::from_str(query).map_err(|e| e.to_string())
}

#[test]
fn a_page_has_at_most_200_rows() {
    for (query, limit) in [("", 51), ("limit=1", 2), ("limit=200", 201)] {
        assert_eq!(read(query).unwrap().page().limit, limit);
    }
    for query in
        ["limit=0", "limit=201", "limit=-1", "limit=1e9", "limit=", "limit=1&limit=2", "offset=5", "cursor=x"]
    {
        assert!(read(query).is_err(), "{query}");
    }
}

#[test]
fn a_cursor_comes_back_as_the_row_it_stands_for_and_only_while_rows_follow() {
    let ids: Vec<RunId> = (1_u128..=3).map(|n| Uuid::from_u128(n).into()).collect();
    let list = |limit| List::of(ids.clone(), Limit(limit).page(None), |id| *id, |id| id);
    let cursor = list(2).next_cursor.unwrap();
    assert_eq!(read(&format!("cursor={cursor}")).unwrap().page().before, ids[1].uuid());
    assert!(list(3).next_cursor.is_none());
    assert_eq!(list(2).items.len(), 2);
}
