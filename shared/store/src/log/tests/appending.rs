//! What an append answers, and what it leaves in the log.

use std::sync::Arc;

use domain::{filter::EventFilter, ids::TenantId};

use super::{
    super::{Log, LogPosition, Order, Outcome, memory::MemoryTables},
    acme, checked, log, submission,
};
use crate::Clock;

#[tokio::test]
async fn an_event_is_recorded_once_and_keeps_its_first_receipt() {
    let (_dynamo, log) = log().await;
    let first = log.append(&acme(), vec![submission("a"), submission("b")]).await.unwrap();
    let [Outcome::Recorded(a), Outcome::Recorded(b)] = &first[..] else { panic!("{first:?}") };
    assert_eq!((a.sequence, b.sequence), (1, 2));

    let again = log.append(&acme(), vec![submission("b"), submission("c"), submission("a")]).await.unwrap();
    let [Outcome::Repeated(b2), Outcome::Recorded(c), Outcome::Repeated(a2)] = &again[..] else { panic!("{again:?}") };
    assert_eq!((b2, a2, c.sequence), (b, a, 3));

    let mut other = submission("a");
    other.event.payload.insert("carrier".to_owned(), "UPS".into());
    let conflict = log.append(&acme(), vec![other]).await.unwrap();
    assert_eq!(conflict, [Outcome::Conflict(a.clone())]);
    assert_eq!(checked(&log, &acme()).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn one_call_that_says_a_thing_twice_records_it_once() {
    let (_dynamo, log) = log().await;
    let mut other = submission("a");
    other.event.payload.insert("carrier".to_owned(), "UPS".into());
    let outcomes = log.append(&acme(), vec![submission("a"), submission("a"), other]).await.unwrap();
    let [Outcome::Recorded(a), Outcome::Repeated(b), Outcome::Conflict(c)] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!((a, a), (b, c));
    assert_eq!(checked(&log, &acme()).await, ["a"]);
}

#[tokio::test]
async fn large_calls_are_parted_into_segments() {
    let (_dynamo, log) = log().await;
    let many: Vec<_> = (0..1_234).map(|i| submission(&format!("e{i}"))).collect();
    let outcomes = log.append(&acme(), many.clone()).await.unwrap();
    let sequences: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Recorded(receipt) => receipt.sequence,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sequences, (1..=1_234).collect::<Vec<_>>());
    let again = log.append(&acme(), many.into_iter().rev().collect()).await.unwrap();
    assert!(again.iter().all(|outcome| matches!(outcome, Outcome::Repeated(_))));
    assert_eq!(checked(&log, &acme()).await.len(), 1_234);
}

#[tokio::test]
async fn the_watermark_keeps_up_whatever_the_sizes_of_commits() {
    let tables = MemoryTables::default();
    let log = Log::over(Arc::new(tables.clone()), Clock::System).seeded(1);
    let mut recorded = 0;
    for (call, size) in [489, 11, 489, 11, 30, 1, 489, 2, 24, 300, 11].into_iter().enumerate() {
        let before = recorded;
        let many = (0..size).map(|i| submission(&format!("e{call}-{i}"))).collect();
        assert_eq!(log.append(&acme(), many).await.unwrap().len(), size);
        recorded += size as u64;
        // What few have committed is left to the next writer, and no more than that.
        let reached = if size < 25 { before } else { recorded };
        let watermark = tables.memory().mark(&acme()).watermark;
        assert!(watermark > reached, "after {recorded} events, the last {size} at once, it is at {watermark}");
    }
}

#[tokio::test]
async fn the_largest_event_that_does_not_compress_is_recorded() {
    let (_dynamo, log) = log().await;
    let mut noise = vec![0; 180 * 1024];
    getrandom::fill(&mut noise).unwrap();
    let mut large = submission("a");
    large.event.payload.insert("blob".to_owned(), noise.iter().map(|b| format!("{b:02x}")).collect::<String>().into());
    large.event.payload["blob"] = large.event.payload["blob"].as_str().unwrap()[..250_000].into();
    log.append(&acme(), vec![large]).await.unwrap();
    assert_eq!(checked(&log, &acme()).await, ["a"]);
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let (_dynamo, log) = log().await;
    let rival: TenantId = "rival".parse().unwrap();
    log.append(&acme(), vec![submission("a")]).await.unwrap();
    let filter = EventFilter::default();
    assert!(log.event(&rival, &"a".parse().unwrap()).await.unwrap().is_none());
    assert!(log.scan(&rival, &filter, LogPosition::START, 10).await.unwrap().events.is_empty());
    let timeline = log.timeline(&rival, &"ord_1".parse().unwrap(), &filter, Order::Sequence, None, 10).await.unwrap();
    assert!(timeline.events.is_empty());
    assert_eq!(log.status(&rival).await.unwrap().sequence, 0);
    assert!(log.segment_of(&rival, 1).await.unwrap().is_none());

    log.append(&rival, vec![submission("a")]).await.unwrap();
    let (ours, theirs) = (log.status(&acme()).await.unwrap(), log.status(&rival).await.unwrap());
    assert_ne!(ours.ledger_hash, theirs.ledger_hash);
}

#[tokio::test]
async fn a_changed_origin_is_noticed_before_anything_is_written() {
    let (_dynamo, log) = log().await;
    log.append(&acme(), vec![submission("a")]).await.unwrap();
    let moved = Log { origin_prefix: "elsewhere.example.com".to_owned(), ..log.clone() };
    assert!(matches!(moved.append(&acme(), vec![submission("b")]).await, Err(crate::StoreError::OtherOrigin { .. })));
    assert_eq!(checked(&log, &acme()).await, ["a"]);
}
