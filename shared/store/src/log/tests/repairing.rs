//! What crashed writers and lost items leave behind.

use std::sync::{Arc, atomic::AtomicI64};

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    super::{Log, Outcome, port::MAX_TAIL},
    acme, checked, commit_and_crash, log, submission,
};
use crate::Clock;

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
