//! Timelines, linked events and segments.

use domain::filter::EventFilter;
use futures::TryStreamExt;

use super::{
    super::{Listing, Order, RecordedEvent, Submission},
    acme, commit_submission_and_crash, event, log, submission,
};

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
        let key = |e: &RecordedEvent| match order {
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
    let timeline: Vec<_> = log.listed(&acme(), &order, Listing::Timeline, 2).try_collect().await.unwrap();
    assert_eq!(linked, timeline);
    assert_eq!(linked.iter().map(|recorded| recorded.sequence).collect::<Vec<_>>(), [3, 4]);
    let other: Vec<_> = log.linked(&"rival".parse().unwrap(), &order).try_collect().await.unwrap();
    assert_eq!(other, []);
}
