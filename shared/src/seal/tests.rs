//! Known answers, and each way in which a chain can be broken.

use uuid::uuid;

use super::*;

fn tenant() -> TenantId {
    TenantId::from(uuid!("0193d4a0-0000-7000-8000-000000000001"))
}

fn batch(rows: &[(u64, &str)]) -> Batch {
    let mut batch = Batch::default();
    for (tx, text) in rows {
        let position = Position { tx: *tx, id: Uuid::from_u128(u128::from(*tx)) };
        batch.push("audit", position, leaf("audit", [Some(*text), None].into_iter()));
    }
    batch
}

/// RFC 6962, 2.1, read word by word: split at the largest power of two below the count.
fn by_the_book(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => finish(Context::new(&SHA256)),
        [one] => *one,
        many => {
            let k = (many.len() - 1).ilog2();
            let (left, right) = many.split_at(1 << k);
            node(&by_the_book(left), &by_the_book(right))
        }
    }
}

#[test]
fn a_tree_is_that_of_rfc_6962() {
    let leaves: Vec<Hash> = (0..70u8).map(|n| [n; 32]).collect();
    for count in 0..leaves.len() {
        let mut tree = Tree::default();
        leaves[..count].iter().for_each(|leaf| tree.push(*leaf));
        assert_eq!(tree.root(), by_the_book(&leaves[..count]), "{count} leaves");
    }
    assert_eq!(
        hex(&Tree::default().root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn a_field_cannot_run_into_the_next_and_null_is_not_empty() {
    let hash = |fields: &[Option<&str>]| leaf("audit", fields.iter().copied());
    let all = [
        hash(&[Some("ab"), Some("c")]),
        hash(&[Some("a"), Some("bc")]),
        hash(&[Some("abc")]),
        hash(&[Some("abc"), None]),
        hash(&[Some("abc"), Some("")]),
    ];
    for (at, one) in all.iter().enumerate() {
        assert_eq!(all.iter().position(|other| other == one), Some(at));
    }
}

#[test]
fn a_chain_is_followed_from_seal_to_seal_and_across_epochs() {
    let (one, two, none) = (batch(&[(3, "a"), (5, "b")]), batch(&[(7, "c")]), Batch::default());
    let mut chain = Chain::start(tenant());
    for (rows, epoch) in [(&one, 1), (&two, 1), (&none, 2), (&one, 2)] {
        let seal = chain.next(rows, "2026-01-01T00:00:00.000000Z".to_owned());
        assert_eq!(seal.epoch, epoch);
        assert_eq!(chain.follow(&seal, rows), Ok(()));
        assert_eq!(chain.head().unwrap().to_string().parse(), Ok(chain.head().unwrap()));
    }
    assert_eq!(chain.number(), 4);
}

#[test]
fn every_way_of_breaking_a_chain_is_seen() {
    let rows = batch(&[(3, "a"), (5, "b")]);
    let start = Chain::start(tenant());
    let seal = start.next(&rows, "2026-01-01T00:00:00.000000Z".to_owned());
    let judge = |seal: &Seal, rows: &Batch| start.clone().follow(seal, rows).unwrap_err();
    assert_eq!(judge(&seal, &batch(&[(3, "a")])), Flaw::RowsMissing);
    assert_eq!(judge(&seal, &batch(&[(3, "a"), (4, "x"), (5, "b")])), Flaw::RowsAdded);
    assert_eq!(judge(&seal, &batch(&[(3, "a"), (5, "B")])), Flaw::RowsChanged);
    let other = |change: fn(&mut Seal)| {
        let mut other = seal.clone();
        change(&mut other);
        other
    };
    assert_eq!(judge(&other(|s| s.number = 2), &rows), Flaw::SealMissing);
    assert_eq!(judge(&other(|s| s.root = [0; 32]), &rows), Flaw::SealChanged);
    assert_eq!(judge(&other(|s| s.previous = [1; 32]).hashed(), &rows), Flaw::SealReplaced);
    assert_eq!(judge(&other(|s| s.first = Position::START).hashed(), &rows), Flaw::SealMisplaced);
    assert_eq!(judge(&other(|s| s.epoch = 2).hashed(), &rows), Flaw::SealMisplaced);
}

#[test]
fn what_is_no_pin_is_refused() {
    let hash = "0".repeat(64);
    for bad in ["", "1", "1.", &hash, &format!("0.{hash}"), &format!("1.{hash}0"), &format!("-1.{hash}")] {
        assert!(bad.parse::<Pin>().is_err(), "{bad}");
    }
    assert!(format!("1.{hash}").parse::<Pin>().is_ok());
}
