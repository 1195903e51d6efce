//! The append protocol and its readers over an embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    event::{Event, TenantSource},
    filter::EventFilter,
    ids::TenantId,
};
use futures::TryStreamExt;
use ledger::Chain;

use super::{
    Draft, Log, LogPosition, Order, Outcome, Submission,
    memory::MemoryTables,
    port::{MAX_TAIL, Put},
    segment::Segment,
};
use crate::{Clock, testing::LocalDynamo};

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn event(id: &str, order: &str, second: u32) -> Event {
    let text = format!(
        r#"{{"event_id":"{id}","order_id":"{order}","occurred_at":"2025-08-29T12:{:02}:{:02}Z","source":"warehouse",
        "type":"order.shipped","schema_version":"v1","payload":{{"carrier":"DHL"}},"tenant_id":"acme"}}"#,
        second / 60,
        second % 60
    );
    domain::event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1
}

fn submission(id: &str) -> Submission {
    Submission { event: event(id, "ord_1", 0), schema: None }
}

async fn log() -> (LocalDynamo, Log) {
    let dynamo = LocalDynamo::start().await;
    let log = Log::for_tests(dynamo.aws(), Clock::System);
    (dynamo, log)
}

/// Reads the whole log and checks every link of it against the events alone.
async fn checked(log: &Log, tenant: &TenantId) -> Vec<String> {
    let mut chain = Chain::new(log.origin(tenant));
    let (mut ids, mut position) = (Vec::new(), LogPosition::START);
    loop {
        let page = log.scan(tenant, &EventFilter::default(), position, 100).await.unwrap();
        for recorded in page.events {
            let sealed = chain.seal(&recorded.entry.event, recorded.received_at, &recorded.entry.opening);
            assert_eq!(
                (recorded.sequence, recorded.sha256, recorded.ledger_hash),
                (sealed.sequence, sealed.leaf_hash, sealed.ledger_hash)
            );
            let by_id = log.event(tenant, &recorded.entry.event.event_id).await.unwrap().unwrap();
            assert_eq!(by_id, recorded, "the index says what the log says");
            ids.push(recorded.entry.event.event_id.to_string());
        }
        match page.next {
            Some(next) => position = next,
            None => break,
        }
    }
    let status = log.status(tenant).await.unwrap();
    assert_eq!((status.sequence, status.ledger_hash), (chain.sequence(), chain.ledger_hash()));
    assert_eq!(ids.len(), ids.iter().collect::<HashSet<_>>().len(), "no event twice");
    ids
}

/// A commit by a writer that dies right after it.
async fn commit_and_crash(log: &Log, tenant: &TenantId, id: &str) {
    commit_submission_and_crash(log, tenant, submission(id)).await;
}

async fn commit_submission_and_crash(log: &Log, tenant: &TenantId, submission: Submission) {
    let name = log.name(tenant);
    let head = log.tables.head(&name).await.unwrap();
    let draft = Draft::new(submission, ledger::Secret::new([1; 32])).unwrap();
    let segment = Segment::seal(&head.chain, log.clock.now(), [2; 16], &[Arc::new(draft)]);
    assert_eq!(log.tables.commit(&name, Arc::new(segment)).await.unwrap(), Put::Done);
}

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
async fn racing_writers_leave_no_gap_and_no_double() {
    let (_dynamo, log) = log().await;
    race(&log).await;
}

#[tokio::test]
async fn the_tables_in_memory_are_as_good() {
    let tables = MemoryTables::with_delay(Duration::from_millis(1));
    race(&Log::over(Arc::new(tables), Clock::System)).await;
}

#[tokio::test]
async fn many_writers_are_served_together() {
    const WRITERS: usize = 40;
    const EACH: usize = 5;
    let tables = MemoryTables::with_delay(Duration::from_millis(3));
    let writers = (0..WRITERS).map(|writer| {
        // Each as if in a process of its own.
        let log = Log::over(Arc::new(tables.clone()), Clock::System);
        tokio::spawn(async move {
            for i in 0..EACH {
                let id = format!("w{writer}_{i}");
                let check = async { Ok::<_, crate::StoreError>(submission(&id)) };
                let outcome = log.append_checked(&acme(), check).await.unwrap();
                let Outcome::Recorded(receipt) = outcome else { panic!("{outcome:?}") };
                let event = log.event(&acme(), &receipt.event_id).await.unwrap().unwrap();
                assert_eq!(event.sequence, receipt.sequence, "a receipt means that reads find the event");
            }
        })
    });
    futures::future::join_all(writers).await.into_iter().for_each(Result::unwrap);
    let log = Log::over(Arc::new(tables.clone()), Clock::System);
    assert_eq!(checked(&log, &acme()).await.len(), WRITERS * EACH);
    let memory = tables.memory();
    let segments = memory.segments(&acme()).count();
    assert!(segments < WRITERS * EACH / 3, "{segments} commits");
    assert_eq!(memory.announced(&acme()), [], "nothing is left behind");
    assert_eq!(memory.mark(&acme()).turn, None);
}

/// Text that does not compress.
fn noise(bytes: usize) -> String {
    let mut noise = vec![0; bytes / 2];
    getrandom::fill(&mut noise).unwrap();
    noise.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn large(id: &str) -> Submission {
    let mut large = submission(id);
    large.event.payload.insert("blob".to_owned(), noise(200_000).into());
    large
}

#[tokio::test]
async fn a_large_commit_is_staged_and_read_back() {
    let tables = MemoryTables::default();
    let log = Log::over(Arc::new(tables.clone()), Clock::System);
    log.append(&acme(), vec![submission("a")]).await.unwrap();
    log.append(&acme(), (0..20).map(|i| large(&format!("b{i}"))).collect()).await.unwrap();
    log.append(&acme(), vec![submission("c")]).await.unwrap();
    let memory = tables.memory();
    let staged: Vec<_> = memory.segments(&acme()).map(|segment| segment.is_staged()).collect();
    assert_eq!(staged, [false, true, false], "four megabytes are one commit");
    assert_eq!(checked(&log, &acme()).await.len(), 22);
    assert_eq!(log.segment_of(&acme(), 5).await.unwrap().unwrap().first, 2);
}

#[tokio::test]
async fn objects_of_lost_races_are_swept_and_no_others() {
    let tables = MemoryTables::default();
    let log = Log::over(Arc::new(tables.clone()), Clock::System);
    log.append(&acme(), vec![large("a")]).await.unwrap();
    let name = log.name(&acme());
    let stage = async |id: &str, commit: u8| {
        let head = log.tables.head(&name).await.unwrap();
        let draft = Draft::new(large(id), ledger::Secret::new([commit; 32])).unwrap();
        let segment = Segment::seal(&head.chain, log.clock.now(), [commit; 16], &[Arc::new(draft)]).into_staged();
        log.tables.stage(&name, Arc::new(segment)).await.unwrap();
    };
    stage("lost", 1).await;
    stage("lost", 2).await;
    log.append(&acme(), vec![large("b")]).await.unwrap();
    stage("late", 3).await;
    assert_eq!(tables.memory().objects(&acme(), 0).count(), 5);

    assert_eq!(log.sweep().await.unwrap(), 2);
    let left: Vec<_> = tables.memory().objects(&acme(), 0).map(|(first, _)| first).collect();
    assert_eq!(left, [1, 2, 3], "the last may still be committed");
    assert_eq!(log.sweep().await.unwrap(), 0);
    log.append(&acme(), vec![submission("c")]).await.unwrap();
    assert_eq!(log.sweep().await.unwrap(), 1);
    assert_eq!(checked(&log, &acme()).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn announced_twins_get_one_recorded_and_the_others_what_they_are() {
    let tables = MemoryTables::with_delay(Duration::from_millis(3));
    let writers = (0..30).map(|writer| {
        let log = Log::over(Arc::new(tables.clone()), Clock::System);
        tokio::spawn(async move {
            let mut twin = submission(&format!("twin{}", writer % 3));
            if writer % 5 == 0 {
                twin.event.payload.insert("carrier".to_owned(), "UPS".into());
            }
            log.append(&acme(), vec![twin]).await.unwrap().remove(0)
        })
    });
    let outcomes: Vec<_> = futures::future::join_all(writers).await.into_iter().map(Result::unwrap).collect();
    let recorded = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Recorded(_))).count();
    assert_eq!(recorded, 3, "{outcomes:?}");
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Outcome::Conflict(_))));
    let log = Log::over(Arc::new(tables), Clock::System);
    assert_eq!(checked(&log, &acme()).await.len(), 3);
}

async fn race(log: &Log) {
    // Eight writers, each with its own events and with five that all of them send.
    let writers = (0..8).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut receipts = Vec::new();
            for i in 0..10 {
                let id = if i % 2 == 0 { format!("shared{i}") } else { format!("w{writer}_{i}") };
                receipts.extend(log.append(&acme(), vec![submission(&id)]).await.unwrap());
            }
            receipts
        })
    });
    let mut by_id = BTreeMap::new();
    let mut recorded = 0;
    for outcome in futures::future::join_all(writers).await.into_iter().flat_map(Result::unwrap) {
        let (Outcome::Recorded(receipt) | Outcome::Repeated(receipt)) = &outcome else { panic!("{outcome:?}") };
        recorded += usize::from(matches!(outcome, Outcome::Recorded(_)));
        let first = by_id.entry(receipt.event_id.to_string()).or_insert_with(|| receipt.clone());
        assert_eq!(first, receipt, "one event has one receipt");
    }
    assert_eq!((recorded, by_id.len()), (45, 45));
    assert_eq!(checked(log, &acme()).await.len(), 45);
}

#[tokio::test]
async fn a_crashed_writers_commit_is_found_by_the_next_one() {
    let (_dynamo, log) = log().await;
    commit_and_crash(&log, &acme(), "a").await;
    assert!(log.event(&acme(), &"a".parse().unwrap()).await.unwrap().is_none(), "it was never acknowledged");
    let outcomes = log.append(&acme(), vec![submission("a")]).await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Repeated(receipt)] if receipt.sequence == 1), "{outcomes:?}");
    assert_eq!(checked(&log, &acme()).await, ["a"]);
}

#[tokio::test]
async fn a_crashed_writers_commit_is_repaired() {
    let (_dynamo, log) = log().await;
    let log = Log { clock: Clock::Manual(Arc::new(AtomicI64::new(1_756_470_896_000))), ..log };
    log.append(&acme(), vec![submission("a")]).await.unwrap();
    commit_and_crash(&log, &acme(), "b").await;
    log.append(&acme(), vec![submission("c")]).await.unwrap();
    let Clock::Manual(time) = &log.clock else { unreachable!() };
    time.fetch_add(3_000, std::sync::atomic::Ordering::Relaxed);

    let repaired = log.repair(&acme()).await.unwrap();
    assert_eq!((repaired.segments, repaired.watermark), (1, 4));
    assert_eq!(checked(&log, &acme()).await, ["a", "b", "c"]);
    let again = log.repair(&acme()).await.unwrap();
    assert_eq!((again.segments, again.watermark), (0, 4));
}

#[tokio::test]
async fn a_long_unapplied_tail_is_caught_up_in_parts() {
    let (_dynamo, log) = log().await;
    for i in 0..MAX_TAIL + 5 {
        commit_and_crash(&log, &acme(), &format!("e{i}")).await;
    }
    log.append(&acme(), vec![submission("last")]).await.unwrap();
    log.repair(&acme()).await.unwrap();
    assert_eq!(checked(&log, &acme()).await.len(), MAX_TAIL + 6);
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
async fn timelines_page_in_either_order() {
    let (_dynamo, log) = log().await;
    // Sequence 1..=23; by occurred_at just the other way round, in pairs of one instant.
    let events: Vec<_> = (0..23u32)
        .map(|i| Submission { event: event(&format!("e{i:02}"), "ord_1", (22 - i) / 2), schema: None })
        .chain([Submission { event: event("other", "ord_2", 0), schema: None }])
        .collect();
    log.append(&acme(), events).await.unwrap();
    for (order, limit) in [(Order::Sequence, 5), (Order::OccurredAt, 5), (Order::OccurredAt, 23), (Order::Sequence, 24)]
    {
        let (mut after, mut pages) = (None, Vec::new());
        loop {
            let filter = EventFilter::default();
            let page = log.timeline(&acme(), &"ord_1".parse().unwrap(), &filter, order, after, limit).await.unwrap();
            assert!(page.events.len() <= limit);
            pages.extend(page.events);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let key = |e: &super::RecordedEvent| match order {
            Order::Sequence => (None, e.sequence),
            Order::OccurredAt => (Some(e.entry.event.occurred_at), e.sequence),
        };
        assert_eq!(pages.len(), 23, "{order:?} {limit}");
        assert!(pages.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])), "{order:?} {limit}");
    }
}

#[tokio::test]
async fn a_segment_is_found_by_any_of_its_events() {
    let (_dynamo, log) = log().await;
    log.append(&acme(), (0..10).map(|i| submission(&format!("a{i}"))).collect()).await.unwrap();
    log.append(&acme(), (0..10).map(|i| submission(&format!("b{i}"))).collect()).await.unwrap();
    for (sequence, first) in [(1, Some(1)), (10, Some(1)), (11, Some(11)), (20, Some(11)), (21, None)] {
        let found = log.segment_of(&acme(), sequence).await.unwrap();
        assert_eq!(found.map(|segment| segment.first), first, "{sequence}");
    }
}

#[tokio::test]
async fn a_changed_origin_is_noticed_before_anything_is_written() {
    let (_dynamo, log) = log().await;
    log.append(&acme(), vec![submission("a")]).await.unwrap();
    let moved = Log { origin_prefix: "elsewhere.example.com".to_owned(), ..log.clone() };
    assert!(matches!(moved.append(&acme(), vec![submission("b")]).await, Err(crate::StoreError::Corrupt { .. })));
    assert_eq!(checked(&log, &acme()).await, ["a"]);
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_neither_continued_nor_trusted() {
    let (dynamo, log) = log().await;
    for id in ["a", "b"] {
        log.append(&acme(), vec![submission(id)]).await.unwrap();
    }
    log.repair(&acme()).await.unwrap();
    // The end first, then all that is left: the watermark still tells of both.
    for first in ["2", "1"] {
        let delete = dynamo.aws().dynamo().delete_item().table_name(crate::testing::SEGMENTS);
        let delete = delete.key("tenant", crate::item::s("acme")).key("first", AttributeValue::N(first.to_owned()));
        delete.send().await.unwrap();
        let refused = [
            log.append(&acme(), vec![submission("c")]).await.map(drop),
            log.status(&acme()).await.map(drop),
            log.repair(&acme()).await.map(drop),
        ];
        for outcome in refused {
            assert!(matches!(outcome, Err(crate::StoreError::Corrupt { .. })), "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn what_is_said_about_an_orders_events_is_found_apart_from_them() {
    let (_dynamo, log) = log().await;
    let mut correction = submission("c");
    correction.event.correction_of = Some("a".parse().unwrap());
    log.append(&acme(), vec![submission("a"), submission("b"), correction]).await.unwrap();
    // Of a writer that died before the index: repair makes the same items.
    let mut late = submission("d");
    late.event.correction_of = Some("c".parse().unwrap());
    commit_submission_and_crash(&log, &acme(), late).await;
    log.repair(&acme()).await.unwrap();

    let order = "ord_1".parse().unwrap();
    let linked: Vec<_> = log.linked(&acme(), &order).try_collect().await.unwrap();
    let timeline: Vec<_> = log.listed(&acme(), &order, super::Listing::Timeline, 2).try_collect().await.unwrap();
    assert_eq!(linked, timeline);
    assert_eq!(linked.iter().map(|recorded| recorded.sequence).collect::<Vec<_>>(), [3, 4]);
    let other: Vec<_> = log.linked(&"rival".parse().unwrap(), &order).try_collect().await.unwrap();
    assert_eq!(other, []);
}
