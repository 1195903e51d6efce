//! The append protocol and its readers over an embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod appending;
mod racing;
mod reading;
mod repairing;
mod staging;
mod tailing;

use std::{collections::HashSet, sync::Arc};

use domain::{
    event::{Event, TenantSource},
    filter::EventFilter,
    ids::TenantId,
};
use ledger::Chain;

use super::{Draft, Log, LogPosition, Submission, port::Put, segment::Segment};
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
