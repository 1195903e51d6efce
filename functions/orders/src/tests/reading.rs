//! States, numbers, and what was said about events later.

use axum::Router;
use domain::{
    event::{self, TenantSource},
    ids::TenantId,
    record::{AttachmentDeleted, AttachmentRegistered, Record},
    time::Timestamp,
};
use http_api::testing::{Answer, TestGate, get};
use serde_json::{Value, json};
use store::{
    Clock, History, Log, Orders,
    log::Submission,
    testing::{MemoryBucket, ORDERS},
};

use crate::{OrdersApi, router};

const ORDER: &str = "/order-history/orders/ord_1";

struct Service {
    gate: TestGate,
    app: Router,
    log: Log,
    bucket: MemoryBucket,
}

impl Service {
    async fn start() -> Self {
        let gate = TestGate::start().await;
        let (aws, bucket) = (gate.dynamo().aws(), MemoryBucket::default());
        let log = Log::for_tests(aws, Clock::System);
        let (orders, history) = (Orders::new(aws, ORDERS), History::for_tests(aws, &log, &bucket));
        let api = OrdersApi { log: log.clone(), orders, history, gate: gate.gate() };
        Self { app: http_api::app(router(), api), gate, log, bucket }
    }

    async fn record(&self, event: domain::event::Event) {
        self.log.append(&acme(), vec![Submission { event, schema: None }]).await.unwrap();
    }

    async fn happened(&self, id: &str, day: u8, event_type: &str, payload: Value) {
        let (_, event) =
            event::from_value(envelope(id, day, event_type, payload), TenantSource::Token(&acme())).unwrap();
        self.record(event).await;
    }

    async fn corrected(&self, id: &str, of: &str, day: u8, payload: Value) {
        let mut correction = envelope(id, day, "order.corrected", payload);
        correction["correction_of"] = json!(of);
        let tenant = acme();
        let (_, event) =
            event::parse_correction(correction.to_string().as_bytes(), TenantSource::Token(&tenant)).unwrap();
        self.record(event).await;
    }

    async fn read(&self, path: &str) -> Answer {
        get(&format!("{ORDER}{path}")).token(&self.gate.token("acme", &["history_reader"])).send(&self.app).await
    }
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn envelope(id: &str, day: u8, event_type: &str, payload: Value) -> Value {
    json!({
        "event_id": id, "order_id": "ord_1", "occurred_at": format!("2025-08-{day:02}T00:00:00Z"), "source": "shop",
        "type": event_type, "schema_version": "v1", "payload": payload, "metadata": {"actor_id": "ann"},
    })
}

/// An order with three events, of which the second was recorded last, and a correction of the first.
async fn service() -> Service {
    let service = Service::start().await;
    service.happened("evt_1", 1, "order.created", json!({"total": 5, "customer": {"id": "c"}})).await;
    service.happened("evt_3", 3, "order.shipped", json!({"carrier": "DHL"})).await;
    service.corrected("evt_c", "evt_1", 9, json!({"total": 6})).await;
    service.happened("evt_2", 2, "order.payment.succeeded", json!({"paid": true})).await;
    service
}

#[tokio::test]
async fn a_state_is_told_by_either_clock_and_in_either_view() {
    let service = service().await;
    let now = service.read("/snapshot").await;
    assert_eq!(now.status, 200, "{}", now.json);
    let all = json!({"total": 6, "customer": {"id": "c"}, "carrier": "DHL", "paid": true});
    assert_eq!((&now.json["state"], &now.json["events"]), (&all, &json!(3)));
    assert_eq!(now.json["as_of"], json!({"through": 4, "view": "corrected"}));
    assert_eq!(now.json["last_event_at"], "2025-08-03T00:00:00Z");

    let original = service.read("/snapshot?view=original&at=2025-08-02T00:00:00Z").await;
    assert_eq!(original.json["state"], json!({"total": 5, "customer": {"id": "c"}, "paid": true}));
    let before = service.read("/snapshot?at=2025-07-31T23:59:59Z").await;
    assert_eq!((&before.json["state"], &before.json["events"]), (&json!({}), &json!(0)));
    let unknown = service.read("/snapshot?known_at=2020-01-01T00:00:00Z").await;
    assert_eq!((unknown.status.as_u16(), &unknown.json["state"]), (200, &json!({})));

    let explained = service.read("/snapshot?explain=true").await;
    assert_eq!(
        explained.json["explain"],
        json!({
            "/carrier": {"event_id": "evt_3", "sequence": 2},
            "/customer/id": {"event_id": "evt_1", "sequence": 1},
            "/paid": {"event_id": "evt_2", "sequence": 4},
            "/total": {"event_id": "evt_c", "sequence": 3, "correction_of": "evt_1"},
        })
    );
    let token = service.gate.token("acme", &["auditor"]);
    let uri = format!("{ORDER}/snapshot");
    let same = get(&uri).token(&token).header("if-none-match", now.header("etag")).send(&service.app).await;
    assert_eq!(same.status, 304);
}

#[tokio::test]
async fn an_order_without_events_has_no_state_and_zero_numbers() {
    let service = service().await;
    let token = service.gate.token("acme", &["history_reader"]);
    let of =
        async |path: &str| get(&format!("/order-history/orders/ord_2{path}")).token(&token).send(&service.app).await;
    let state = of("/snapshot").await;
    assert_eq!((state.status.as_u16(), state.problem()), (404, "not-found"));
    let numbers = of("/timeline/aggregate").await;
    assert_eq!((numbers.status.as_u16(), &numbers.json["events"]), (200, &json!(0)));
    assert_eq!(of("/events/order.*").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_large_state_is_behind_a_link() {
    let service = Service::start().await;
    for number in 0..16 {
        let payload = json!({format!("note_{number:02}"): "x".repeat(220_000)});
        service.happened(&format!("evt_{number}"), 1, "order.noted", payload).await;
    }
    let answer = service.read("/snapshot?explain=true").await;
    assert_eq!((answer.status.as_u16(), answer.json.get("state"), answer.header("etag")), (200, None, ""));
    let key = answer.json["download"]["url"].as_str().unwrap().strip_prefix("memory:").unwrap();
    assert!(key.starts_with("states/acme/"), "{key}");
    let document: Value = serde_json::from_slice(&service.bucket.contents()[key]).unwrap();
    assert_eq!(document["state"].as_object().unwrap().len(), 16);
    assert_eq!(document["explain"]["/note_07"]["event_id"], "evt_7");
}

#[tokio::test]
async fn a_timeline_is_told_in_numbers() {
    let service = service().await;
    let answer =
        service.read("/timeline/aggregate?between=order.created..order.shipped,order.payment.*..order.lost").await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let numbers = &answer.json;
    assert_eq!((&numbers["events"], &numbers["by_actor"]["counts"]["ann"]), (&json!(4), &json!(4)));
    assert_eq!(numbers["by_type"]["counts"]["order.shipped"], 1);
    assert_eq!((&numbers["first"]["event_id"], &numbers["last"]["event_id"]), (&json!("evt_1"), &json!("evt_c")));
    assert_eq!(numbers["longest_gaps"][0]["millis"], 6 * 86_400_000);
    assert_eq!(numbers["spans"][0]["millis"], 2 * 86_400_000);
    assert_eq!(numbers["spans"][1]["reached_from"]["event_id"], "evt_2");
    assert_eq!(numbers["spans"][1].get("millis"), None);
    let many = vec!["a..b"; 21].join(",");
    for bad in ["order.created", "a..b,", "..b", "a..B", many.as_str()] {
        let refused = service.read(&format!("/timeline/aggregate?between={bad}")).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (400, "invalid-parameter"), "{bad}");
    }
}

#[tokio::test]
async fn events_are_listed_by_type() {
    let service = service().await;
    for (pattern, expected) in [
        ("order.shipped", vec!["evt_3"]),
        ("order.payment.*", vec!["evt_2"]),
        ("order.*", vec!["evt_1", "evt_3", "evt_c", "evt_2"]),
        ("order.lost", vec![]),
    ] {
        let answer = service.read(&format!("/events/{pattern}")).await;
        let ids: Vec<_> = answer.json["items"].as_array().unwrap().iter().map(|event| event["id"].clone()).collect();
        assert_eq!(ids, expected, "{pattern}");
    }
    assert_eq!(service.read("/events/order*").await.problem(), "invalid-parameter");
    let page = service.read("/events/order.*?limit=2&order=occurred_at").await;
    assert_eq!(page.json["items"][1]["id"], "evt_2");
    assert!(page.json["next_cursor"].is_string());
}

#[tokio::test]
async fn a_timeline_shows_what_was_said_later() {
    let service = service().await;
    service.corrected("evt_cc", "evt_c", 10, json!({"total": 7})).await;
    for name in ["att_1", "att_2"] {
        let registered = AttachmentRegistered {
            attachment_id: name.parse().unwrap(),
            event_id: "evt_3".parse().unwrap(),
            filename: "label.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            size_bytes: 7,
            sha256: "00".repeat(32),
            tags: Vec::new(),
        };
        let at = Timestamp::clamped_from_millis(0);
        service.record(registered.into_event("ord_1".parse().unwrap(), at, "ann").unwrap()).await;
    }
    let deleted = AttachmentDeleted {
        attachment_id: "att_1".parse().unwrap(),
        event_id: "evt_3".parse().unwrap(),
        reason: Some("wrong".to_owned().try_into().unwrap()),
    };
    let at = Timestamp::clamped_from_millis(0);
    service.record(deleted.into_event("ord_1".parse().unwrap(), at, "ann").unwrap()).await;

    let plain = service.read("/timeline").await;
    assert_eq!((plain.json["items"][0].get("corrections"), plain.json["items"][1].get("attachments")), (None, None));
    let answer = service.read("/timeline?expand=attachments,corrections").await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let items = answer.json["items"].as_array().unwrap();
    let corrections = |item: &Value| -> Vec<Value> {
        item["corrections"].as_array().unwrap().iter().map(|event| event["id"].clone()).collect()
    };
    assert_eq!(corrections(&items[0]), ["evt_c", "evt_cc"]);
    assert_eq!(corrections(&items[2]), ["evt_cc"]);
    assert_eq!(items[1]["attachments"][0]["deleted"]["reason"], "wrong");
    assert_eq!((&items[1]["attachments"][1]["attachment_id"], items.len()), (&json!("att_2"), 8));
    assert_eq!(items[0]["attachments"], json!([]));
    let one = service.read("/timeline?expand=corrections").await;
    assert_eq!(one.json["items"][1].get("attachments"), None);
    for bad in ["everything", "attachments,attachments", "attachments,"] {
        assert_eq!(service.read(&format!("/timeline?expand={bad}")).await.problem(), "invalid-parameter", "{bad}");
    }
}

#[tokio::test]
async fn states_and_numbers_are_their_tenants_alone() {
    let service = service().await;
    let rival = service.gate.token("rival", &["admin"]);
    let of = async |path: &str| get(&format!("{ORDER}{path}")).token(&rival).send(&service.app).await;
    assert_eq!(of("/snapshot").await.problem(), "not-found");
    assert_eq!(of("/timeline/aggregate").await.json["events"], 0);
    assert_eq!(of("/events/order.*").await.json["items"], json!([]));
    let producer = service.gate.token("acme", &["producer"]);
    for path in ["/snapshot", "/timeline/aggregate", "/events/order.*"] {
        let refused = get(&format!("{ORDER}{path}")).token(&producer).send(&service.app).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (403, "role-required"), "{path}");
        for (what, token) in service.gate.refused_tokens("acme", &["admin"]) {
            let refused = get(&format!("{ORDER}{path}")).token(&token).send(&service.app).await;
            assert_eq!(refused.status, 401, "{what}");
        }
    }
}
