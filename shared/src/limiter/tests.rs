use uuid::uuid;

use super::*;

const TENANT: uuid::Uuid = uuid!("0193d4a0-0000-7000-8000-000000000001");

fn of() -> (TenantId, Bucket) {
    (TenantId::from(TENANT), Bucket::Api)
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
}

fn block(granted: i64) -> Block {
    Block { granted, block: 10, rate: 100, burst: 1000 }
}

#[test]
fn a_block_is_spent_from_memory_and_not_beyond() {
    let mut held = Held::default();
    assert_eq!(held.spend(of(), at(0)), None, "nothing is held: the bucket is asked");
    held.keep(of(), block(10), at(0));
    for _ in 0..10 {
        assert!(held.spend(of(), at(0)).unwrap().is_admitted);
    }
    assert_eq!(held.spend(of(), at(0)), None, "the block is spent: the bucket is asked");
    assert_eq!(held.take_untold(of()).counts, [10, 0]);
    assert_eq!(held.take_untold(of()), Untold::default(), "what was told is told once");
}

#[test]
fn an_empty_bucket_is_not_asked_again_before_a_block_may_be_there() {
    let mut held = Held::default();
    held.keep(of(), block(0), at(0));
    for ms in [0, 50, 99] {
        assert!(!held.spend(of(), at(ms)).unwrap().is_admitted, "{ms} ms");
    }
    assert_eq!(held.spend(of(), at(100)), None, "ten tokens at a hundred a second take 100 ms");
    assert_eq!(held.take_untold(of()).counts, [0, 3]);
}

#[test]
fn what_a_long_call_costs_is_taken_from_the_block_and_the_rest_is_owed_once() {
    let mut held = Held::default();
    held.keep(of(), block(10), at(0));
    assert!(held.spend(of(), at(0)).unwrap().is_admitted);
    held.leases.get_mut(&of()).unwrap().charge(4);
    assert_eq!(held.leases[&of()].left, 5);
    held.leases.get_mut(&of()).unwrap().charge(50);
    assert_eq!(held.spend(of(), at(0)), None, "nothing is left: the bucket is asked, and told");
    let untold = held.take_untold(of());
    assert_eq!(untold, Untold { counts: [1, 0], owed: 45 });
    held.put_back(of(), untold);
    held.leases.get_mut(&of()).unwrap().charge(5);
    assert_eq!(held.take_untold(of()).owed, 50, "what could not be told is not forgotten");
    held.keep(of(), block(0), at(0));
    assert!(!held.spend(of(), at(0)).unwrap().is_admitted);
    assert_eq!(held.take_untold(of()).owed, 0);
}

#[test]
fn two_answers_at_once_are_both_kept() {
    let mut held = Held::default();
    held.keep(of(), block(10), at(0));
    held.keep(of(), block(4), at(0));
    let admitted = std::iter::from_fn(|| held.spend(of(), at(1))).filter(|s| s.is_admitted).count();
    assert_eq!(admitted, 14);
}

#[test]
fn counts_are_told_once_a_minute_and_idle_leases_forgotten() {
    let mut held = Held::default();
    held.keep(of(), block(10), at(0));
    assert!(held.take_old(at(0)).is_none(), "the minute begins");
    held.spend(of(), at(1));
    assert!(held.take_old(at(59_000)).is_none());
    assert_eq!(held.take_old(at(60_000)), Some(vec![(of().0, [1, 0])]));
    assert_eq!(held.leases.len(), 1);
    assert_eq!(held.take_old(at(700_000)), Some(Vec::new()));
    assert!(held.leases.is_empty());
}

#[test]
fn a_bucket_says_how_long_it_takes_to_fill() {
    let standing = |burst, rate| Standing { is_admitted: true, burst, rate };
    assert_eq!(standing(1000, 100).window_s(), 10);
    assert_eq!(standing(5, 2).window_s(), 3);
}
