//! The list over an embedded DynamoDB, with the projection in between.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::{Duration, Instant};

use axum::Router;
use domain::event::{self, TenantSource};
use http_api::testing::{TestGate, get};
use serde_json::{Value, json};
use store::{
    Clock, History, Log, OrderIndex, Orders,
    log::Submission,
    testing::{MemoryBucket, ORDERS},
};

use crate::{OrdersApi, router};

const LIST: &str = "/order-history/orders";

struct Service {
    gate: TestGate,
    log: Log,
    orders: Orders,
    app: Router,
}

impl Service {
    /// The gate's clock stands at 2025-08-29T12:00:00Z.
    async fn start() -> Self {
        let gate = TestGate::start().await;
        let aws = gate.dynamo().aws();
        let (log, orders) = (Log::for_tests(aws, Clock::System), Orders::new(aws, ORDERS));
        let history = History::for_tests(aws, &log, &MemoryBucket::default());
        let api = OrdersApi { log: log.clone(), orders: orders.clone(), history, gate: gate.gate() };
        let app = http_api::app(router(), api);
        Self { gate, log, orders, app }
    }

    /// Appends one event for each, (order, instant, payload), and has the list follow.
    async fn record(&self, tenant: &str, events: &[(&str, &str, Value)]) {
        let tenant = tenant.parse().unwrap();
        let from = self.log.status(&tenant).await.unwrap().sequence;
        let submissions = (from..).zip(events).map(|(n, (order, at, payload))| {
            let event = json!({
                "event_id": format!("evt_{n}"), "order_id": order, "occurred_at": at, "source": "shop",
                "type": "order.shipped", "schema_version": "v1", "payload": payload, "tenant_id": "any",
            });
            Submission {
                event: event::parse(event.to_string().as_bytes(), TenantSource::Envelope).unwrap().1,
                schema: None,
            }
        });
        self.log.append(&tenant, submissions.collect()).await.unwrap();
        let index = OrderIndex::new(self.orders.clone(), self.log.clone());
        index.advance(&tenant, Instant::now() + Duration::from_secs(60)).await.unwrap();
    }

    /// The ids on all pages of two.
    async fn ids(&self, tenant: &str, query: &str) -> Vec<String> {
        let token = self.gate.token(tenant, &["history_reader"]);
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = get(&format!("{LIST}?limit=2{query}{cursor}")).token(&token).send(&self.app).await;
            assert_eq!(answer.status, 200, "{}", answer.json);
            let items = answer.json["items"].as_array().unwrap();
            ids.extend(items.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()));
            let Some(next) = answer.json["next_cursor"].as_str() else { return ids };
            cursor = format!("&cursor={next}");
        }
    }
}

/// Six orders: of two customers and of nobody, three of them with events in the last 24 hours.
async fn six() -> Service {
    let service = Service::start().await;
    let one = || json!({"customer_id": "cust_1"});
    let two = || json!({"customer": {"id": "cust_2"}});
    service
        .record(
            "acme",
            &[
                ("ord_a", "2025-08-20T10:00:00Z", one()),
                ("ord_b", "2025-08-28T11:59:59.999Z", one()),
                ("ord_c", "2025-08-28T12:00:00Z", two()),
                ("ord_d", "2025-08-29T09:00:00Z", one()),
                ("ord_e", "2025-08-30T09:00:00Z", json!({})),
                ("ord_f", "2025-08-01T09:00:00Z", two()),
                ("ord_a", "2025-08-21T10:00:00Z", json!({})),
            ],
        )
        .await;
    service
}

#[tokio::test]
async fn filters_combine() {
    let service = six().await;
    for (query, expected) in [
        ("", "f a b c d e"),
        ("&last_event_before=2025-08-28T12:00:00Z", "f a b"),
        ("&from=2025-08-21T10:00:00Z&to=2025-08-29T09:00:00Z", "a b c"),
        ("&from=2025-08-21T10:00:00Z&to=2025-08-29T09:00:00Z&last_event_before=2025-08-28T12:00:00Z", "a b"),
        ("&has_recent_changes=true", "c d e"),
        ("&has_recent_changes=false", "f a b"),
        ("&has_recent_changes=true&to=2025-08-30T00:00:00Z", "c d"),
        ("&has_recent_changes=true&last_event_before=2025-08-01T00:00:00Z", ""),
        ("&has_recent_changes=false&from=2025-08-21T00:00:00Z", "a b"),
        ("&customer_id=cust_1", "a b d"),
        ("&customer_id=cust_1&has_recent_changes=true", "d"),
        ("&customer_id=cust_2&last_event_before=2025-08-28T00:00:00Z&from=2025-08-01T00:00:00Z", "f"),
        ("&customer_id=nobody", ""),
    ] {
        let expected: Vec<_> = expected.split_whitespace().map(|id| format!("ord_{id}")).collect();
        assert_eq!(service.ids("acme", query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn an_order_is_shown_as_its_events_have_left_it() {
    let service = six().await;
    let token = service.gate.token("acme", &["auditor"]);
    let answer = get(&format!("{LIST}?customer_id=cust_1&limit=1")).token(&token).send(&service.app).await;
    assert!(answer.header("link").contains(r#"rel="next""#) && !answer.header("etag").is_empty());
    let mut order = answer.json["items"][0].clone();
    assert!(order["last_received_at"].take().is_string());
    let expected = json!({
        "order_id": "ord_a", "first_event_at": "2025-08-20T10:00:00Z", "last_event_at": "2025-08-21T10:00:00Z",
        "last_event_type": "order.shipped", "events": 2, "last_sequence": 7, "last_received_at": null,
        "customer_id": "cust_1",
    });
    assert_eq!(order, expected);
    let nobodys = get(&format!("{LIST}?from=2025-08-30T00:00:00Z")).token(&token).send(&service.app).await;
    assert!(nobodys.json["items"][0].get("customer_id").is_none(), "{}", nobodys.json);
}

/// What is recent does not change under whoever goes from page to page.
#[tokio::test]
async fn recent_is_as_of_the_first_page() {
    let service = six().await;
    let token = service.gate.token("acme", &["history_reader"]);
    let uri = format!("{LIST}?has_recent_changes=true&limit=1");
    let first = get(&uri).token(&token).send(&service.app).await;
    assert_eq!(first.json["items"][0]["order_id"], "ord_c");
    // ord_d is a day old now.
    service.gate.advance(22 * 60 * 60);
    let token = service.gate.token("acme", &["history_reader"]);
    let cursor = first.json["next_cursor"].as_str().unwrap();
    let second = get(&format!("{uri}&cursor={cursor}")).token(&token).send(&service.app).await;
    assert_eq!(second.json["items"][0]["order_id"], "ord_d");
    assert_eq!(service.ids("acme", "&has_recent_changes=true").await, ["ord_e"]);
}

#[tokio::test]
async fn a_list_is_its_tenants_alone() {
    let service = six().await;
    service.record("rival", &[("ord_a", "2025-08-20T10:00:00Z", json!({"customer_id": "cust_9"}))]).await;
    assert_eq!(service.ids("rival", "").await, ["ord_a"]);
    assert_eq!(service.ids("rival", "&customer_id=cust_1").await, [""; 0]);
    assert_eq!(service.ids("acme", "&customer_id=cust_9").await, [""; 0]);

    let page = get(&format!("{LIST}?limit=1")).token(&service.gate.token("acme", &["admin"])).send(&service.app).await;
    let cursor = page.json["next_cursor"].as_str().unwrap();
    let rival = service.gate.token("rival", &["admin"]);
    let stolen = get(&format!("{LIST}?limit=1&cursor={cursor}")).token(&rival).send(&service.app).await;
    assert_eq!((stolen.status.as_u16(), stolen.problem()), (400, "invalid-cursor"));
    let producer = get(LIST).token(&service.gate.token("acme", &["producer"])).send(&service.app).await;
    assert_eq!((producer.status.as_u16(), producer.problem()), (403, "role-required"));
    for (what, token) in service.gate.refused_tokens("acme", &["admin"]) {
        assert_eq!(get(LIST).token(&token).send(&service.app).await.status, 401, "{what}");
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let service = Service::start().await;
    let token = service.gate.token("acme", &["history_reader"]);
    let long = format!("customer_id={}", "x".repeat(257));
    for (query, parameter) in [
        ("last_event_before=2025-08-12", "last_event_before"),
        ("has_recent_changes=yes", "has_recent_changes"),
        ("from=2025-08-12T00:00:00Z&to=2025-08-12T00:00:00Z", "from"),
        ("from=2025-08-12T00:00:00Z&last_event_before=2025-08-12T00:00:00Z", "from"),
        ("customer_id=", "customer_id"),
        ("customer_id=a%00b", "customer_id"),
        (&long, "customer_id"),
        ("customer=cust_1", "customer"),
        ("limit=0", "limit"),
    ] {
        let answer = get(&format!("{LIST}?{query}")).token(&token).send(&service.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{query}");
        assert!(answer.json.to_string().contains(parameter), "{query}: {}", answer.json);
    }
    assert_eq!(service.ids("acme", "").await, [""; 0]);
}
