//! Whole batches, in the shape in which Lambda hands them over, against an embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod trouble;

use std::{collections::HashMap, fs, io::Write, path::Path};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{filter::EventFilter, ids::TenantId};
use flate2::{Compression, write::GzEncoder};
use schema::Compatibility;
use serde_json::{Value, json};
use store::{
    Clock, Failures, Log, SchemaCache, Schemas,
    failures::Failure,
    log::{LogPosition, SchemaTag},
    schemas::{NewSchema, OnMismatch, Registration},
    testing::{FAILURES, LocalDynamo, SCHEMAS},
};

use crate::{Ingest, IngestError};

struct World {
    dynamo: LocalDynamo,
    log: Log,
    schemas: Schemas,
    failures: Failures,
    ingest: Ingest,
}

impl World {
    async fn new() -> Self {
        let dynamo = LocalDynamo::start().await;
        let log = Log::for_tests(dynamo.aws(), Clock::System);
        let failures = Failures::new(dynamo.aws(), FAILURES, 30);
        let schemas = Schemas::new(dynamo.aws(), SCHEMAS);
        let cache = SchemaCache::new(schemas.clone(), Clock::System);
        let ingest = Ingest::new(log.clone(), cache, failures.clone());
        Self { dynamo, log, schemas, failures, ingest }
    }

    async fn take_in<R: AsRef<[u8]>>(&self, records: &[R]) -> Result<(), IngestError> {
        self.ingest.handle(serde_json::from_value(batch(records)).unwrap()).await
    }

    /// The ids in a tenant's log, in their order.
    async fn ids(&self, tenant: &str) -> Vec<String> {
        let (tenant, mut ids, mut position) = (name(tenant), Vec::new(), LogPosition::START);
        loop {
            let page = self.log.scan(&tenant, &EventFilter::default(), position, 1000).await.unwrap();
            ids.extend(page.events.into_iter().map(|recorded| recorded.entry.event.event_id.to_string()));
            match page.next {
                Some(next) => position = next,
                None => return ids,
            }
        }
    }

    /// A tenant's failures, the oldest first.
    async fn failures(&self, tenant: &str) -> Vec<Failure> {
        let page = self.failures.list(&name(tenant), None, 100).await.unwrap();
        page.failures.into_iter().rev().collect()
    }

    /// The reasons of all failures, by tenant.
    async fn reasons(&self) -> Vec<(String, String)> {
        let scan = self.dynamo.aws().dynamo().scan().table_name(FAILURES).send().await.unwrap();
        let text = |item: &HashMap<String, AttributeValue>, key: &str| item[key].as_s().unwrap().clone();
        let mut reasons: Vec<_> =
            scan.items().iter().map(|item| (text(item, "tenant"), text(item, "id"), text(item, "reason"))).collect();
        reasons.sort();
        reasons.into_iter().map(|(tenant, _, reason)| (tenant, reason)).collect()
    }
}

fn name(tenant: &str) -> TenantId {
    tenant.parse().unwrap()
}

/// A batch as Lambda's poller composes it.
fn batch<R: AsRef<[u8]>>(records: &[R]) -> Value {
    let record = |(index, data): (usize, &R)| {
        let sequence_number = format!("4959033827149025660855969253836157109592157598913658{index:04}");
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "any",
                "sequenceNumber": sequence_number,
                "data": BASE64_STANDARD.encode(data),
                "approximateArrivalTimestamp": 1_756_470_896.25
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-000000000006:{sequence_number}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/any",
            "awsRegion": "eu-central-1",
            "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/any"
        })
    };
    json!({ "Records": records.iter().enumerate().map(record).collect::<Vec<_>>() })
}

fn event(tenant: &str, id: &str) -> Value {
    json!({
        "tenant_id": tenant, "event_id": id, "order_id": "ord_1", "occurred_at": "2025-08-29T12:34:56Z",
        "source": "warehouse", "type": "order.shipped", "schema_version": "v1", "payload": {"carrier": "DHL"}
    })
}

fn line(tenant: &str, id: &str) -> String {
    event(tenant, id).to_string()
}

fn gzip(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn good_events_are_recorded_in_order_and_rubbish_between_them_is_listed() {
    let world = World::new().await;
    let mut incomplete = event("acme", "evt_bad");
    incomplete.as_object_mut().unwrap().remove("order_id");
    let records = [
        line("acme", "evt_1").into_bytes(),
        b"\x00 rubbish \xff".to_vec(),
        gzip(&format!("{}\nnot json\n{}\n", line("acme", "evt_2"), line("rival", "evt_1"))),
        json!([event("acme", "evt_3"), incomplete, event("Not A Tenant", "evt_4"), 17]).to_string().into_bytes(),
        event("acme", "evt_5").to_string().into_bytes(),
    ];

    world.take_in(&records).await.unwrap();
    // The same batch again, as after a time-out: nothing is recorded or listed twice.
    world.take_in(&records).await.unwrap();

    assert_eq!(world.ids("acme").await, ["evt_1", "evt_2", "evt_3", "evt_5"]);
    assert_eq!(world.ids("rival").await, ["evt_1"]);
    let expected = [
        ("acme", "invalid-event"),
        ("~unknown", "not-json"),
        ("~unknown", "not-json"),
        ("~unknown", "invalid-event"),
        ("~unknown", "not-an-object"),
    ];
    assert_eq!(world.reasons().await, expected.map(|(tenant, reason)| (tenant.to_owned(), reason.to_owned())));

    let failures = world.failures("acme").await;
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(failure.place.source, "kinesis:shardId-000000000006");
    assert_eq!(failure.place.arrived_at.to_string(), "2025-08-29T12:34:56.25Z");
    assert_eq!((failure.place.user_record, failure.place.element), (0, 1));
    assert_eq!(failure.findings.len(), 1);
    assert_eq!(failure.findings[0].pointer.as_deref(), Some("/order_id"));
    assert_eq!(failure.first_bytes(1000).unwrap(), incomplete.to_string().as_bytes());
}

#[tokio::test]
async fn an_id_that_is_taken_by_another_event_is_a_failure_of_that_event_alone() {
    let world = World::new().await;
    let mut other = event("acme", "evt_1");
    other["payload"]["carrier"] = json!("UPS");
    let records = [line("acme", "evt_1"), other.to_string(), line("acme", "evt_2"), line("acme", "evt_1")];

    world.take_in(&records).await.unwrap();
    world.take_in(&records).await.unwrap();

    assert_eq!(world.ids("acme").await, ["evt_1", "evt_2"]);
    let failures = world.failures("acme").await;
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(failure.reason, "event-conflict");
    assert_eq!(failure.findings[0].detail, "another event has this id, at sequence 1");
    assert_eq!(failure.first_bytes(1000).unwrap(), other.to_string().as_bytes());
}

#[tokio::test]
async fn a_tenant_chooses_what_becomes_of_events_that_do_not_fit_their_schema() {
    let world = World::new().await;
    for (event_type, on_mismatch) in [("order.shipped", OnMismatch::Reject), ("order.packed", OnMismatch::Tag)] {
        let new = NewSchema {
            event_type: event_type.parse().unwrap(),
            version: "v1".parse().unwrap(),
            schema: json!({"type": "object", "properties": {"carrier": {"enum": ["DHL", "UPS"]}}}),
            on_mismatch,
            compatibility: Compatibility::None,
            fold: domain::order::FoldRule::default(),
            created_at: "2025-08-29T12:00:00Z".parse().unwrap(),
            created_by: "admin".to_owned(),
        };
        let registered = world.schemas.register(&name("acme"), &new, None).await.unwrap();
        assert!(matches!(registered, Registration::Created(_)));
    }
    let with = |id: &str, event_type: &str, carrier: Value| {
        let mut event = event("acme", id);
        event["type"] = json!(event_type);
        event["payload"]["carrier"] = carrier;
        event.to_string()
    };

    let rejected = with("evt_2", "order.shipped", json!("Secret"));
    let records = [
        with("evt_1", "order.shipped", json!("DHL")),
        rejected.clone(),
        with("evt_3", "order.packed", json!(7)),
        with("evt_4", "order.lost", json!(7)),
    ];
    world.take_in(&records).await.unwrap();

    assert_eq!(world.ids("acme").await, ["evt_1", "evt_3", "evt_4"]);
    for (id, tag) in [("evt_1", Some(SchemaTag::Fits)), ("evt_3", Some(SchemaTag::Mismatch)), ("evt_4", None)] {
        let recorded = world.log.event(&name("acme"), &id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(recorded.schema(), tag, "{id}");
    }
    let failures = world.failures("acme").await;
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(failure.reason, "event-does-not-fit-schema");
    assert_eq!(failure.findings[0].pointer.as_deref(), Some("/payload/carrier"));
    assert!(!failure.findings[0].detail.contains("Secret"));
    assert_eq!(failure.first_bytes(1000).unwrap(), rejected.as_bytes());
}

#[tokio::test]
async fn more_than_a_window_of_events_keeps_its_order() {
    let world = World::new().await;
    let large = |index: usize| {
        let mut event = event("acme", &format!("evt_{index:03}"));
        event["payload"]["text"] = json!("x".repeat(250_000));
        event.to_string()
    };
    // 17 MB of events in three records, which is more than two windows.
    let bodies = [0..25, 25..50, 50..70].map(|part| part.map(large).collect::<Vec<_>>().join("\n"));

    world.take_in(&bodies.map(|body| gzip(&body))).await.unwrap();

    let expected: Vec<_> = (0..70).map(|index| format!("evt_{index:03}")).collect();
    assert_eq!(world.ids("acme").await, expected);
}

#[tokio::test]
async fn countless_refusals_in_one_record_are_listed_within_bounds() {
    let world = World::new().await;
    let body = format!("[{}{}]", "{},".repeat(1500), line("acme", "evt_1"));

    world.take_in(&[gzip(&body)]).await.unwrap();

    assert_eq!(world.ids("acme").await, ["evt_1"]);
    let reasons = world.reasons().await;
    assert_eq!(reasons.len(), 1001);
    assert_eq!(reasons.iter().filter(|(_, reason)| reason == "too-many-refused").count(), 1);
}

#[tokio::test]
async fn the_sample_invocations_are_taken_in() {
    let world = World::new().await;
    let samples = Path::new("../../events/kinesis-ingest");
    let mut taken = 0;
    for sample in fs::read_dir(samples).unwrap() {
        let batch = serde_json::from_slice(&fs::read(sample.unwrap().path()).unwrap()).unwrap();
        world.ingest.handle(batch).await.unwrap();
        taken += 1;
    }
    assert!(taken > 0 && !world.ids("demo").await.is_empty());
}

#[tokio::test]
async fn an_empty_batch_is_fine() {
    let world = World::new().await;
    world.take_in::<&[u8]>(&[]).await.unwrap();
    assert!(world.reasons().await.is_empty());
}
