//! A writer that crashed between its commit and the index: the function on the table's stream completes its work.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Item, Tables, Tenant, event, eventually, number};

const WITHIN: Duration = Duration::from_secs(240);

#[tokio::test]
async fn what_a_crashed_writer_committed_comes_into_the_index() {
    let tenant = Tenant::new("repair");
    let tables = Tables::new().await;
    for id in ["evt_1", "evt_2", "evt_3"] {
        tenant.post("/events", &event(id, "ord_1")).await.expect(201);
    }
    let receipt = tenant.get("/events/evt_3").await.expect(200).json;
    let before = tenant.head().await;
    let segment = crash(&tables, &tenant, "evt_3", 3).await;
    tenant.get("/events/evt_3").await.expect_problem(404, "not-found");
    tables.put(tables.segments, segment).await;
    assert_eq!(tenant.head().await, before, "the commit is what counts, the index follows");

    eventually("the event is in the index again", WITHIN, || async {
        let answer = tenant.get("/events/evt_3").await;
        if answer.status == 200 { Ok(()) } else { Err(format!("it is not ({})", answer.status)) }
    })
    .await;
    watermark_at(&tables, &tenant, 4).await;
    assert_eq!(tenant.get("/events/evt_3").await.expect(200).json, receipt, "as if nothing had happened");
    assert_eq!(timeline(&tenant).await, ["evt_1", "evt_2", "evt_3"]);
    assert_eq!(tenant.get("/events/evt_3/verify").await.expect(200).json["verified"], true);
}

/// A repetition right after the crash must not be taken for something new, though the index does not know the event.
#[tokio::test]
async fn what_a_crashed_writer_committed_is_not_recorded_again() {
    let tenant = Tenant::new("crash");
    let tables = Tables::new().await;
    tenant.post("/events", &event("evt_1", "ord_1")).await.expect(201);
    let first = tenant.post("/events", &event("evt_2", "ord_1")).await.expect(201).json;
    let segment = crash(&tables, &tenant, "evt_2", 2).await;
    tables.put(tables.segments, segment).await;

    assert_eq!(tenant.post("/events", &event("evt_2", "ord_1")).await.expect(200).json, first);
    assert_eq!(tenant.get("/events/evt_2").await.expect(200).json["sequence"], 2, "a receipt means that reads find it");
    assert_eq!(tenant.post("/events", &event("evt_3", "ord_1")).await.expect(201).json["sequence"], 3);
    assert_eq!(timeline(&tenant).await, ["evt_1", "evt_2", "evt_3"]);
}

async fn timeline(tenant: &Tenant) -> Vec<String> {
    let events: Vec<Value> = tenant.all("/orders/ord_1/timeline").await;
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

async fn watermark_at(tables: &Tables, tenant: &Tenant, end: u64) {
    eventually("the watermark is at the end of the log", WITHIN, || async {
        let watermark = tables.watermark(&tenant.name).await;
        if watermark == Some(end) { Ok(()) } else { Err(format!("it is at {watermark:?}")) }
    })
    .await;
}

/// Takes the last commit, one event, out of all tables. Put back, the segment that is returned is what a writer leaves
/// that dies right after its commit.
async fn crash(tables: &Tables, tenant: &Tenant, event_id: &str, sequence: u64) -> Item {
    // By then the function on the stream has dealt with the segment. Before, it may be about to raise the watermark
    // over index items that it saw and that are taken away here.
    watermark_at(tables, tenant, sequence + 1).await;
    let segment = tables.segments(&tenant.name).await.pop().unwrap();
    assert_eq!((number(&segment, "first"), number(&segment, "count")), (sequence, 1));
    let mut lowered = Tables::segment_key(&tenant.name, Tables::WATERMARK);
    lowered.insert("watermark".to_owned(), segment["first"].clone());
    tables.put(tables.segments, lowered).await;
    tables.delete(tables.segments, Tables::segment_key(&tenant.name, sequence)).await;
    let by_id = Tables::index_key(format!("{}#E#{event_id}", tenant.name), 0);
    let in_timeline = Tables::index_key(format!("{}#O#ord_1", tenant.name), sequence);
    tables.delete(tables.index, by_id).await;
    tables.delete(tables.index, in_timeline).await;
    segment
}
