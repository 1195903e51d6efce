//! Everybody at once on one tenant: producers on the stream, and writers over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;

use crate::support::{Form, Stream, Tenant, event, eventually};

const WRITERS: usize = 8;
const EACH: usize = 12;
const SHARED: usize = 10;
const RECORDS: usize = 20;
const A_RECORD: usize = 15;
const WITHIN: Duration = Duration::from_secs(240);

#[tokio::test]
async fn writers_over_http_and_the_stream_make_one_log_without_a_gap_or_a_double() {
    let tenant = Tenant::new("racing");
    let stream = Stream::new().await;
    let shared: Vec<String> = (0..SHARED).map(|i| format!("shared-{i}")).collect();

    let writers = join_all((0..WRITERS).map(|writer| write(&tenant, writer, &shared)));
    let (receipts, ()) = tokio::join!(writers, produce(&tenant, &stream, &shared));

    let total = WRITERS * EACH + SHARED + RECORDS * A_RECORD;
    eventually("the events of the stream are in the log", WITHIN, || async {
        let (length, _) = tenant.head().await;
        if length >= total as u64 { Ok(()) } else { Err(format!("{length} of {total} are")) }
    })
    .await;
    let events = tenant.all("/events?limit=1000").await;
    let sequences: Vec<u64> = events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.iter().copied().eq(1..=total as u64), "no gap and nothing twice: {sequences:?}");
    let ids: BTreeSet<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), total, "each id once");

    let stored: BTreeMap<&str, (&Value, &Value, &Value)> = events
        .iter()
        .map(|event| {
            let integrity = &event["integrity"];
            (event["id"].as_str().unwrap(), (&event["sequence"], &integrity["sha256"], &integrity["ledger_hash"]))
        })
        .collect();
    for receipt in receipts.iter().flatten() {
        let said = (&receipt["sequence"], &receipt["sha256"], &receipt["ledger_hash"]);
        assert_eq!(said, stored[receipt["id"].as_str().unwrap()], "every receipt of an id is the same: {receipt}");
    }
    assert_eq!(receipts.iter().flatten().count(), WRITERS * (EACH + SHARED));
    for id in &shared {
        let verified = tenant.get(&format!("/events/{id}/verify")).await.expect(200).json;
        assert_eq!(verified["verified"], true, "{verified}");
    }
}

/// One writer over HTTP: events of its own, and those that everybody sends. Returns the receipts.
async fn write(tenant: &Tenant, writer: usize, shared: &[String]) -> Vec<Value> {
    let own: Vec<String> = (0..EACH).map(|i| format!("http-{writer}-{i}")).collect();
    let mut receipts = Vec::new();
    for (i, id) in own.iter().enumerate() {
        let order = format!("race-{writer}");
        let answer = tenant.post("/events", &event(id, &order)).await.expect(201);
        receipts.push(answer.json);
        // Whoever has a receipt finds the event, while others commit.
        let timeline = tenant.get(&format!("/orders/{order}/timeline")).await.expect(200).json;
        let seen = timeline["items"].as_array().unwrap().iter().filter(|event| event["id"] == id.as_str());
        assert_eq!(seen.count(), 1, "{id} is not in its order's timeline: {timeline}");
        // Each begins with another one, so that first senders differ.
        if let Some(id) = (i < SHARED).then(|| &shared[(i + writer) % SHARED]) {
            let answer = tenant.post("/events", &event(id, "race")).await;
            assert!(matches!(answer.status, 200 | 201), "{}: {}", answer.what, answer.text);
            receipts.push(answer.json);
        }
    }
    receipts
}

async fn produce(tenant: &Tenant, stream: &Stream, shared: &[String]) {
    for record in 0..RECORDS {
        let own = (0..A_RECORD).map(|i| format!("stream-{record}-{i}"));
        let events = own.chain(shared.iter().cloned()).map(|id| {
            let mut event = event(&id, "race");
            event["tenant_id"] = tenant.name.clone().into();
            event.to_string()
        });
        let events: Vec<String> = events.collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        // Keys of several shards: their batches race each other as well.
        stream.put(&[(format!("race-{record}"), Form::GzipNdjson.record(&events))]).await;
    }
}
