//! Following a log while others write.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{super::Tail, *};
use crate::StoreError;

const ROOM: usize = 1024 * 1024;

/// Everything up to the log's present end: the sequence numbers, batch by batch.
async fn batches(tail: &mut Tail, events: usize) -> Vec<Vec<u64>> {
    let mut batches = Vec::new();
    while let Some(batch) = tail.read(events, ROOM).await.unwrap() {
        batches.push(batch.events.iter().map(|event| event.sequence).collect());
    }
    batches
}

async fn append(log: &Log, ids: &[&str]) {
    log.append(&acme(), ids.iter().map(|id| submission(id)).collect()).await.unwrap();
}

fn everything() -> EventFilter {
    EventFilter::default()
}

#[tokio::test]
async fn a_tail_shows_what_comes_after_its_start_and_nothing_else() {
    let (_dynamo, log) = log().await;
    let mut from_nothing = log.tail_from_end(&acme(), everything()).await.unwrap();
    assert_eq!((from_nothing.position(), batches(&mut from_nothing, 10).await), (0, vec![]));
    append(&log, &["a", "b", "c"]).await;
    append(&log, &["d"]).await;
    assert_eq!(batches(&mut from_nothing, 10).await, [vec![1, 2, 3], vec![4]]);

    for (after, expected) in [(0, vec![vec![1, 2, 3], vec![4]]), (2, vec![vec![3], vec![4]]), (3, vec![vec![4]])] {
        let mut tail = log.tail_after(&acme(), everything(), after).await.unwrap().unwrap();
        assert_eq!((tail.position(), batches(&mut tail, 10).await), (after, expected));
        assert_eq!(tail.position(), 4);
    }
    for mut at_the_end in [
        log.tail_from_end(&acme(), everything()).await.unwrap(),
        log.tail_after(&acme(), everything(), 4).await.unwrap().unwrap(),
    ] {
        assert_eq!(batches(&mut at_the_end, 10).await, [[0_u64; 0]; 0]);
        assert_eq!(at_the_end.position(), 4);
    }
    for beyond in [5, 6, u64::MAX] {
        assert!(log.tail_after(&acme(), everything(), beyond).await.unwrap().is_none(), "{beyond}");
    }
    assert!(log.tail_after(&"other".parse().unwrap(), everything(), 1).await.unwrap().is_none());
}

#[tokio::test]
async fn a_batch_ends_where_it_is_told_to_and_the_next_goes_on_there() {
    let (_dynamo, log) = log().await;
    append(&log, &["a", "b", "c", "d", "e"]).await;
    let mut tail = log.tail_after(&acme(), everything(), 0).await.unwrap().unwrap();
    assert_eq!(batches(&mut tail, 2).await, [vec![1, 2], vec![3, 4], vec![5]]);
    let mut tail = log.tail_after(&acme(), everything(), 1).await.unwrap().unwrap();
    let one = tail.read(10, 1).await.unwrap().unwrap();
    assert_eq!(one.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [2], "one is never too long");
    assert_eq!((tail.position(), one.bytes), (2, one.events[0].entry.json_len().unwrap()));
    let rest = tail.read(10, 2 * one.bytes).await.unwrap().unwrap();
    assert_eq!(rest.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [3, 4]);
}

#[tokio::test]
async fn what_does_not_match_is_passed_by_and_not_read_again() {
    let (_dynamo, log) = log().await;
    for (id, order) in [("a", "ord_1"), ("b", "ord_2"), ("c", "ord_1"), ("d", "ord_2")] {
        log.append(&acme(), vec![Submission { event: event(id, order, 0), schema: None }]).await.unwrap();
    }
    let filter = EventFilter { order_id: Some("ord_1".parse().unwrap()), ..EventFilter::default() };
    let mut tail = log.tail_after(&acme(), filter, 0).await.unwrap().unwrap();
    assert_eq!(batches(&mut tail, 10).await, [vec![1], vec![], vec![3], vec![]]);
    assert_eq!(tail.position(), 4);
}

/// A query may show a segment without the one before it. The reader waits for that one, and never passes it by.
#[tokio::test]
async fn a_gap_is_never_passed_by() {
    let (dynamo, log) = log().await;
    append(&log, &["a"]).await;
    append(&log, &["b", "c"]).await;
    append(&log, &["d"]).await;
    let client = dynamo.aws().dynamo();
    let key = [("tenant", crate::item::s("acme")), ("first", AttributeValue::N("2".to_owned()))];
    let key = std::collections::HashMap::from(key.map(|(name, value)| (name.to_owned(), value)));
    let taken = client.get_item().table_name(crate::testing::SEGMENTS).set_key(Some(key.clone())).send().await.unwrap();
    client.delete_item().table_name(crate::testing::SEGMENTS).set_key(Some(key)).send().await.unwrap();

    let mut tail = log.tail_after(&acme(), everything(), 0).await.unwrap().unwrap();
    assert_eq!(tail.read(10, ROOM).await.unwrap().unwrap().events.len(), 1);
    for _ in 0..2 {
        let gap = tail.read(10, ROOM).await.unwrap_err();
        assert!(matches!(&gap, StoreError::Corrupt { .. }), "{gap}");
        assert_eq!(tail.position(), 1);
    }
    client.put_item().table_name(crate::testing::SEGMENTS).set_item(taken.item).send().await.unwrap();
    assert_eq!(batches(&mut tail, 10).await, [vec![2, 3], vec![4]]);
}

/// A segment that cannot be opened at the moment is tried again from where the reader stands.
#[tokio::test]
async fn nothing_is_lost_by_a_segment_that_does_not_open() {
    let (dynamo, log) = log().await;
    append(&log, &["a"]).await;
    append(&log, &["b"]).await;
    append(&log, &["c"]).await;
    let client = dynamo.aws().dynamo();
    let key = [("tenant", crate::item::s("acme")), ("first", AttributeValue::N("2".to_owned()))];
    let key = std::collections::HashMap::from(key.map(|(name, value)| (name.to_owned(), value)));
    let whole = client.get_item().table_name(crate::testing::SEGMENTS).set_key(Some(key)).send().await.unwrap();
    let mut broken = whole.item.clone().unwrap();
    broken.insert("count".to_owned(), AttributeValue::N("1".to_owned()));
    broken.remove("data");
    let put = |item| client.put_item().table_name(crate::testing::SEGMENTS).set_item(item).send();
    put(Some(broken)).await.unwrap();

    let mut tail = log.tail_after(&acme(), everything(), 0).await.unwrap().unwrap();
    assert_eq!(tail.read(10, ROOM).await.unwrap().unwrap().events.len(), 1);
    tail.read(10, ROOM).await.unwrap_err();
    assert_eq!(tail.position(), 1);
    put(whole.item).await.unwrap();
    assert_eq!(batches(&mut tail, 10).await, [vec![2], vec![3]]);
}
