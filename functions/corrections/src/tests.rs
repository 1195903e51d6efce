//! The handlers, over an embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod cost;

use axum::Router;
use domain::event::{self, TenantSource};
use http_api::testing::{Answer, TestGate, get, post};
use schema::Compatibility;
use serde_json::{Value, json};
use store::{
    Clock, Log,
    log::Submission,
    schemas::{NewSchema, OnMismatch, SchemaCache, Schemas},
};

use crate::{CorrectionsApi, router};

const CORRECTIONS: &str = "/order-history/corrections";

struct Service {
    gate: TestGate,
    app: Router,
    log: Log,
    schemas: Schemas,
    producer: String,
    reader: String,
}

async fn service() -> Service {
    let gate = TestGate::start().await;
    let aws = gate.dynamo().aws().clone();
    let schemas = Schemas::new(&aws, store::testing::SCHEMAS);
    let log = Log::for_tests(&aws, Clock::System);
    let cache = SchemaCache::new(schemas.clone(), Clock::System);
    let app = http_api::app(router(), CorrectionsApi { log: log.clone(), schemas: cache, gate: gate.gate() });
    let (producer, reader) = (gate.token("acme", &["producer"]), gate.token("acme", &["history_reader"]));
    Service { gate, app, log, schemas, producer, reader }
}

/// An event that puts another one right.
fn correction(id: &str, of: &str) -> Value {
    json!({
        "event_id": id, "order_id": "ord_1", "correction_of": of, "occurred_at": "2025-08-30T08:00:00Z",
        "source": "support", "schema_version": "v1", "payload": {"carrier": "UPS"}, "metadata": {"actor_id": "ann"}
    })
}

impl Service {
    async fn record(&self, tenant: &str, id: &str) {
        let event = json!({
            "event_id": id, "order_id": "ord_1", "occurred_at": "2025-08-29T12:34:56Z", "source": "warehouse",
            "type": "order.shipped", "schema_version": "v1", "payload": {"carrier": "DHL"}
        });
        let tenant = tenant.parse().unwrap();
        let (_, event) = event::parse(event.to_string().as_bytes(), TenantSource::Token(&tenant)).unwrap();
        self.log.append(&tenant, vec![Submission { event, schema: None }]).await.unwrap();
    }

    async fn correct(&self, correction: &Value) -> Answer {
        post(CORRECTIONS, correction).token(&self.producer).send(&self.app).await
    }

    async fn get(&self, id: &str) -> Answer {
        get(&format!("{CORRECTIONS}/{id}")).token(&self.reader).send(&self.app).await
    }

    async fn recorded(&self) -> u64 {
        self.log.status(&"acme".parse().unwrap()).await.unwrap().sequence
    }
}

#[tokio::test]
async fn a_correction_is_recorded_once_and_read_back() {
    let service = service().await;
    service.record("acme", "evt_1").await;
    let first = service.correct(&correction("evt_2", "evt_1")).await;
    assert_eq!((first.status.as_u16(), &first.json["sequence"]), (201, &json!(2)), "{}", first.json);
    let again = service.correct(&correction("evt_2", "evt_1")).await;
    assert_eq!((again.status.as_u16(), &again.json), (200, &first.json));
    let mut other = correction("evt_2", "evt_1");
    other["payload"]["carrier"] = json!("FedEx");
    let conflict = service.correct(&other).await;
    assert_eq!((conflict.status.as_u16(), conflict.problem()), (409, "event-conflict"));
    let taken = service.correct(&correction("evt_1", "evt_2")).await;
    assert_eq!((taken.status.as_u16(), taken.problem()), (409, "event-conflict"), "the id of an event");

    let read = service.get("evt_2").await;
    assert_eq!(read.status, 200);
    let shown = ["id", "type", "correction_of", "order_id", "sequence"].map(|field| read.json[field].clone());
    assert_eq!(shown, [json!("evt_2"), json!("order.corrected"), json!("evt_1"), json!("ord_1"), json!(2)]);
    assert_eq!(
        (&read.json["payload"], &read.json["integrity"]["sha256"]),
        (&json!({"carrier": "UPS"}), &first.json["sha256"])
    );
    let unchanged = get(&format!("{CORRECTIONS}/evt_2")).token(&service.reader);
    assert_eq!(unchanged.header("if-none-match", read.header("etag")).send(&service.app).await.status, 304);
    for none in ["evt_1", "evt_9"] {
        let answer = service.get(none).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (404, "not-found"), "{none}");
    }
}

#[tokio::test]
async fn a_correction_of_what_was_just_acknowledged_is_taken_in_a_chain_of_any_length() {
    let service = service().await;
    service.record("acme", "evt_0").await;
    for i in 1..=12 {
        let answer = service.correct(&correction(&format!("evt_{i}"), &format!("evt_{}", i - 1))).await;
        assert_eq!((answer.status.as_u16(), &answer.json["sequence"]), (201, &json!(i + 1)), "{}", answer.json);
    }
    assert_eq!(service.get("evt_12").await.json["correction_of"], "evt_11");
}

#[tokio::test]
async fn what_cannot_be_corrected_is_refused_with_its_place() {
    let service = service().await;
    service.record("acme", "evt_1").await;
    service.record("rival", "evt_theirs").await;
    let elsewhere = json!({"order_id": "ord_2"});
    let typed = json!({"type": "history.snapshot.stored"});
    let named = json!({"event_id": "history:snapshot:s"});
    let cases = [
        (correction("evt_2", "evt_9"), json!({}), "invalid-correction", "/correction_of"),
        (correction("evt_2", "evt_theirs"), json!({}), "invalid-correction", "/correction_of"),
        (correction("evt_2", "evt_2"), json!({}), "invalid-correction", "/correction_of"),
        (correction("evt_2", "history:snapshot:s"), json!({}), "invalid-correction", "/correction_of"),
        (correction("evt_2", "evt_1"), elsewhere, "invalid-correction", "/order_id"),
        (correction("evt_2", "evt 1"), json!({}), "invalid-event", "/correction_of"),
        (correction("evt_2", "evt_1"), typed, "invalid-event", "/type"),
        (correction("evt_2", "evt_1"), named, "invalid-event", "/event_id"),
    ];
    let mut words = Vec::new();
    for (mut body, change, problem, pointer) in cases {
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = service.correct(&body).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, problem), "{body} {}", answer.json);
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{body}");
        words.push(answer.json["errors"].clone());
    }
    assert_eq!(words[0], words[1], "another tenant's event is no different from one that nobody has");
    for field in ["correction_of", "source", "schema_version", "payload"] {
        let mut body = correction("evt_2", "evt_1");
        body.as_object_mut().unwrap().remove(field);
        let answer = service.correct(&body).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-event"), "{field}");
        assert_eq!(answer.json["errors"][0]["pointer"], format!("/{field}"));
    }
    assert_eq!(service.recorded().await, 1, "nothing of it is stored");
}

#[tokio::test]
async fn a_correction_is_checked_against_the_schema_of_its_type() {
    let service = service().await;
    service.record("acme", "evt_1").await;
    let schema = NewSchema {
        event_type: "order.corrected".parse().unwrap(),
        version: "v1".parse().unwrap(),
        schema: json!({"type": "object", "required": ["reason"]}),
        on_mismatch: OnMismatch::Reject,
        compatibility: Compatibility::None,
        fold: domain::order::FoldRule::default(),
        created_at: Clock::System.now(),
        created_by: "admin".to_owned(),
    };
    service.schemas.register(&"acme".parse().unwrap(), &schema, None).await.unwrap();
    let refused = service.correct(&correction("evt_2", "evt_1")).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (422, "event-does-not-fit-schema"));
    let mut fits = correction("evt_2", "evt_1");
    fits["payload"]["reason"] = json!("wrong label");
    assert_eq!(service.correct(&fits).await.status, 201);
    assert_eq!(service.get("evt_2").await.json["schema"], "fits");
}

#[tokio::test]
async fn nobody_gets_in_without_the_right_token_and_role_and_tenants_are_apart() {
    let service = service().await;
    service.record("acme", "evt_1").await;
    service.record("rival", "evt_1").await;
    let body = correction("evt_2", "evt_1");
    assert_eq!(service.correct(&body).await.status, 201);
    let path = format!("{CORRECTIONS}/evt_2");
    for (what, token) in service.gate.refused_tokens("acme", &["admin"]) {
        assert_eq!(get(&path).token(&token).send(&service.app).await.status, 401, "{what}");
        assert_eq!(post(CORRECTIONS, &body).token(&token).send(&service.app).await.status, 401, "{what}");
    }
    let read = get(&path).token(&service.producer).send(&service.app).await;
    assert_eq!((read.status.as_u16(), read.problem()), (403, "role-required"));
    let write = post(CORRECTIONS, &body).token(&service.reader).send(&service.app).await;
    assert_eq!((write.status.as_u16(), write.problem()), (403, "role-required"));

    let rival = service.gate.token("rival", &["admin"]);
    let hidden = get(&path).token(&rival).send(&service.app).await;
    assert_eq!((hidden.status.as_u16(), hidden.problem()), (404, "not-found"));
    let theirs = post(CORRECTIONS, &body).token(&rival).send(&service.app).await;
    assert_eq!((theirs.status.as_u16(), &theirs.json["sequence"]), (201, &json!(2)), "its own id, its own log");
}
