//! What producers get while the tables throttle or are down: 503 with Retry-After over HTTP, a batch that comes again
//! over Kinesis. Nothing is acknowledged that is not durable, and as soon as the tables are back, all goes on.

use std::sync::Arc;

use axum::Router;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::ids::TenantId;
use events_api::EventsApi;
use http_api::testing::{Answer, TestGate, get, post};
use kinesis_ingest::Ingest;
use serde_json::{Value, json};
use store::{
    Aws, Clock, Failures, Log,
    schemas::{SchemaCache, Schemas},
    testing::{FAILURES, LocalDynamo, MemoryBucket, SCHEMAS},
    tree::Trees,
};

use crate::{
    chance::{Chance, Fate},
    proxy::Proxy,
    whole,
};

const TROUBLE: [Fate; 3] = [Fate::Throttled, Fate::NeverArrived, Fate::AnswerLost];
const EVENTS: &str = "/order-history/events";

struct Service {
    gate: TestGate,
    chance: Arc<Chance>,
    _proxy: Proxy,
    /// Over the wire that fails.
    aws: Aws,
}

async fn service() -> Service {
    let gate = TestGate::start().await;
    let chance = Arc::new(Chance::calm());
    let upstream = format!("http://{}", gate.dynamo().address());
    let proxy = Proxy::start(upstream, None, Arc::clone(&chance)).await;
    let aws = LocalDynamo::client_at(proxy.address);
    Service { gate, chance, _proxy: proxy, aws }
}

impl Service {
    fn app(&self) -> Router {
        let api = EventsApi {
            log: Log::for_tests(&self.aws, Clock::System),
            schemas: SchemaCache::new(Schemas::new(&self.aws, SCHEMAS), Clock::System),
            trees: Trees::for_tests(&self.aws, &MemoryBucket::default()),
            gate: self.gate.gate(),
        };
        http_api::app(events_api::router(), api)
    }

    /// The ids in acme's log, read over a wire that works, with every link of the log computed again.
    async fn ids(&self) -> Vec<String> {
        let log = Log::for_tests(self.gate.dynamo().aws(), Clock::System);
        let events = whole::read(&log, &acme(), true).await.unwrap();
        events.into_iter().map(|event| event.entry.event.event_id.to_string()).collect()
    }
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn event(id: &str) -> Value {
    json!({
        "event_id": id, "order_id": "ord_1", "occurred_at": "2025-08-29T12:34:56Z", "source": "warehouse",
        "type": "order.shipped", "schema_version": "v1", "payload": {"carrier": "DHL"}
    })
}

fn assert_busy(answer: &Answer, what: impl std::fmt::Debug) {
    assert_eq!(answer.status, 503, "{what:?}: {:?}", answer.json);
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&seconds), "{what:?}: {seconds}");
}

#[tokio::test]
async fn producers_over_http_are_told_to_come_again() {
    let service = service().await;
    let app = service.app();
    let (producer, reader) =
        (service.gate.token("acme", &["producer"]), service.gate.token("acme", &["history_reader"]));
    let send = async |id: &str| post(EVENTS, &event(id)).token(&producer).send(&app).await;
    assert_eq!(send("before").await.status, 201);
    for fate in TROUBLE {
        service.chance.always(fate);
        for id in ["a", "b"] {
            assert_busy(&send(id).await, fate);
        }
        assert_busy(&get(&format!("{EVENTS}/before")).token(&reader).send(&app).await, fate);
        assert_busy(&get(&format!("{EVENTS}?order_id=ord_1")).token(&reader).send(&app).await, fate);
        assert_eq!(service.ids().await, ["before"], "{fate:?}");
    }
    service.chance.always(None);
    let first = send("a").await;
    assert_eq!(first.status, 201, "{:?}", first.json);
    assert_eq!(send("b").await.status, 201);
    let again = send("a").await;
    assert_eq!((again.status.as_u16(), &again.json["sequence"]), (200, &first.json["sequence"]));
    assert_eq!(service.ids().await, ["before", "a", "b"]);
}

#[tokio::test]
async fn batches_come_again() {
    let service = service().await;
    let log = Log::for_tests(&service.aws, Clock::System);
    let schemas = SchemaCache::new(Schemas::new(&service.aws, SCHEMAS), Clock::System);
    let failures = Failures::new(&service.aws, FAILURES, 30);
    let ingest = Ingest::new(log, schemas, failures);
    let records: Vec<_> = (0..40)
        .map(|n| {
            let mut event = event(&format!("e{n:02}"));
            event["tenant_id"] = "acme".into();
            json!({
                "kinesis": {
                    "kinesisSchemaVersion": "1.0", "partitionKey": "any", "sequenceNumber": format!("{n:056}"),
                    "data": BASE64_STANDARD.encode(event.to_string()),
                    "approximateArrivalTimestamp": 1_756_470_896.25
                },
                "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": format!("shardId-000000000000:{n:056}"),
                "eventName": "aws:kinesis:record", "invokeIdentityArn": "arn:aws:iam::123456789012:role/any",
                "awsRegion": "eu-central-1", "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/any"
            })
        })
        .collect();
    let batch = json!({ "Records": records });
    let take_in = async || ingest.handle(serde_json::from_value(batch.clone()).unwrap()).await;
    for fate in TROUBLE {
        service.chance.always(fate);
        assert!(take_in().await.is_err(), "{fate:?}: a batch is taken in while the tables are down");
        assert_eq!(service.ids().await, <[&str; 0]>::default(), "{fate:?}");
    }
    // The trouble is over in the middle of a batch, or begins there: what is in the log stays there once.
    service.chance.always(None);
    take_in().await.unwrap();
    let all: Vec<_> = (0..40).map(|n| format!("e{n:02}")).collect();
    assert_eq!(service.ids().await, all);
    take_in().await.unwrap();
    assert_eq!(service.ids().await, all);
    let listed = Failures::new(service.gate.dynamo().aws(), FAILURES, 30).list(&acme(), None, 10).await.unwrap();
    assert!(listed.failures.is_empty(), "trouble of ours is no fault of the events: {:?}", listed.failures);
}
