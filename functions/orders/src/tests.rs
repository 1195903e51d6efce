//! The handlers, over an embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod reading;

use axum::Router;
use domain::event::{self, TenantSource};
use http_api::testing::{TestGate, get};
use store::{
    Clock, History, Log, Orders,
    log::Submission,
    testing::{MemoryBucket, ORDERS},
};

use crate::{OrdersApi, router};

/// A service with ten events of `ord_1`; the later in the log, the earlier they occurred.
async fn service() -> (TestGate, Router) {
    let gate = TestGate::start().await;
    let log = Log::for_tests(gate.dynamo().aws(), Clock::System);
    let submissions = (0..10).map(|i| {
        let text = format!(
            r#"{{"event_id":"evt_{i}","order_id":"ord_1","occurred_at":"2025-08-{:02}T00:00:00Z","source":"warehouse",
            "type":"order.shipped","schema_version":"v1","payload":{{"n":{i}}},"tenant_id":"acme"}}"#,
            20 - i
        );
        Submission { event: event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1, schema: None }
    });
    log.append(&"acme".parse().unwrap(), submissions.collect()).await.unwrap();
    let orders = Orders::new(gate.dynamo().aws(), ORDERS);
    let history = History::for_tests(gate.dynamo().aws(), &log, &MemoryBucket::default());
    let app = http_api::app(router(), OrdersApi { log, orders, history, gate: gate.gate() });
    (gate, app)
}

const TIMELINE: &str = "/order-history/orders/ord_1/timeline";

#[tokio::test]
async fn a_timeline_is_paged_in_either_order() {
    let (gate, app) = service().await;
    let token = gate.token("acme", &["history_reader"]);
    for (order, expected) in [("sequence", (0..10).collect::<Vec<_>>()), ("occurred_at", (0..10).rev().collect())] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let uri = format!("{TIMELINE}?order={order}&limit=4{cursor}");
            let answer = get(&uri).token(&token).send(&app).await;
            assert_eq!(answer.status, 200, "{}", answer.json);
            seen.extend(answer.json["items"].as_array().unwrap().iter().map(|e| e["payload"]["n"].as_i64().unwrap()));
            let Some(next) = answer.json["next_cursor"].as_str() else { break };
            assert!(answer.header("link").contains(r#"rel="next""#));
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, expected, "{order}");
    }
}

#[tokio::test]
async fn a_timeline_is_limited_to_a_range_of_time() {
    let (gate, app) = service().await;
    let uri = format!("{TIMELINE}?from=2025-08-12T00:00:00Z&to=2025-08-14T00:00:00Z");
    let answer = get(&uri).token(&gate.token("acme", &["auditor"])).send(&app).await;
    let ids: Vec<_> = answer.json["items"].as_array().unwrap().iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, ["evt_7", "evt_8"]);
}

#[tokio::test]
async fn a_timeline_is_its_tenants_alone() {
    let (gate, app) = service().await;
    let rival = gate.token("rival", &["admin"]);
    assert_eq!(get(TIMELINE).token(&rival).send(&app).await.json["items"], serde_json::json!([]));
    let page = get(&format!("{TIMELINE}?limit=1")).token(&gate.token("acme", &["history_reader"])).send(&app).await;
    let cursor = page.json["next_cursor"].as_str().unwrap().to_owned();
    for uri in
        [format!("{TIMELINE}?limit=1&cursor={cursor}"), format!("/order-history/orders/ord_2/timeline?cursor={cursor}")]
    {
        let stolen = get(&uri).token(&rival).send(&app).await;
        assert_eq!((stolen.status.as_u16(), stolen.problem()), (400, "invalid-cursor"));
    }
    for (what, token) in gate.refused_tokens("acme", &["admin"]) {
        assert_eq!(get(TIMELINE).token(&token).send(&app).await.status, 401, "{what}");
    }
    let producer = get(TIMELINE).token(&gate.token("acme", &["producer"])).send(&app).await;
    assert_eq!((producer.status.as_u16(), producer.problem()), (403, "role-required"));
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let (gate, app) = service().await;
    let token = gate.token("acme", &["history_reader"]);
    for query in ["limit=0", "limit=-1", "limit=10000000", "order=time", "from=2025-08-12", "expand=everything"] {
        let answer = get(&format!("{TIMELINE}?{query}")).token(&token).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{query}");
    }
    let bad_id = get("/order-history/orders/a%20b/timeline").token(&token).send(&app).await;
    assert_eq!((bad_id.status.as_u16(), bad_id.problem()), (400, "invalid-parameter"));
}
