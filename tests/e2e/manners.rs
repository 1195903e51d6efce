//! How the API behaves on every route: repetition, conditional reads, request ids, unknown paths, health.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api, Tenant, event, eventually};

async fn post(tenant: &Tenant, key: &str, event: &Value) -> Answer {
    let token = tenant.token(&["producer"]);
    tenant.api.post("/events", event.to_string()).token(&token).header("idempotency-key", key).send().await
}

#[tokio::test]
async fn a_request_with_an_idempotency_key_takes_effect_once() {
    let tenant = Tenant::new("idempotency");
    let first = post(&tenant, "key-1", &event("evt_1", "ord_1")).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");

    // Without the key this would be 200: it is the first answer that comes again.
    let replay = post(&tenant, "key-1", &event("evt_1", "ord_1")).await.expect(201);
    assert_eq!((replay.header("idempotency-replayed"), &replay.text), ("true", &first.text));
    assert_ne!(replay.header("x-request-id"), first.header("x-request-id"));

    post(&tenant, "key-1", &event("evt_2", "ord_1")).await.expect_problem(422, "idempotency-key-reused");
    let (spaced, long) = ("a b".to_owned(), "x".repeat(256));
    for key in ["", &spaced, &long] {
        post(&tenant, key, &event("evt_2", "ord_1")).await.expect_problem(400, "invalid-idempotency-key");
    }
    tenant.get("/events/evt_2").await.expect_problem(404, "not-found");

    // A key belongs to its tenant.
    let other = Tenant::new("idempotency");
    let theirs = post(&other, "key-1", &event("evt_9", "ord_9")).await.expect(201);
    assert_eq!(theirs.json["sequence"], 1);
}

#[tokio::test]
async fn requests_at_once_with_one_idempotency_key_take_effect_once() {
    let tenant = Tenant::new("at-once");
    let event = event("evt_1", "ord_1");
    let answers = join_all((0..6).map(|_| post(&tenant, "key", &event))).await;
    let receipts: BTreeSet<&str> =
        answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.text.as_str()).collect();
    assert_eq!(receipts.len(), 1, "one effect, one answer");
    for answer in &answers {
        let running = (answer.status, answer.problem()) == (409, "idempotency-in-progress");
        assert!(answer.status == 201 || running, "{}", answer.text);
        assert!(!running || !answer.header("retry-after").is_empty(), "{:?}", answer.headers);
    }
    assert_eq!(answers.iter().filter(|a| a.status == 201 && a.header("idempotency-replayed").is_empty()).count(), 1);
    assert_eq!(tenant.head().await.0, 1);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let tenant = Tenant::new("etags");
    tenant.post("/schemas", &json!({"type": "order.lost", "version": "v1", "schema": {}})).await.expect(201);
    tenant.post("/events", &event("evt_1", "ord_1")).await.expect(201);
    // Until then, the status changes by itself.
    eventually("the tree has the event", Duration::from_secs(240), || async {
        let status = tenant.get("/ledger/status").await.json;
        if status["checkpoint"]["behind"] == 0 { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    let token = tenant.token(&["auditor"]);
    for path in [
        "/events/evt_1",
        "/events/evt_1/proof",
        "/events",
        "/orders/ord_1/timeline",
        "/ledger/status",
        "/ledger/checkpoint",
        "/ledger/tile/0/000.p/1",
        // In this order: the first proof of all puts its key on the list.
        "/ledger/proof?from=1&to=1",
        "/ledger/keys",
        "/ledger/consistency?from=0&to=1",
        "/ledger/anchors",
        "/schemas/order.lost/v1",
    ] {
        let first = tenant.get(path).await.expect(200);
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "{path}: {etag}");
        let asked = |etag: &str| tenant.api.get(path).token(&token).header("if-none-match", etag).send();
        let again = asked(&etag).await.expect(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", etag.as_str()), "{path}");
        asked(r#""other""#).await.expect(200);
    }
    let before = tenant.get("/ledger/status").await;
    tenant.post("/events", &event("evt_2", "ord_1")).await.expect(201);
    let after = tenant.api.get("/ledger/status").token(&token).header("if-none-match", before.header("etag"));
    after.send().await.expect(200);
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_no_cache_keeps_it() {
    let tenant = Tenant::new("request-ids");
    let token = tenant.token(&["history_reader"]);
    let mut ids = BTreeSet::new();
    for path in ["/ledger/status", "/events", "/events/unknown", "/events?limit=0", "/diagnostics", "/health"] {
        // What a client sends under that name must not end up in our logs.
        let answer = tenant.api.get(path).token(&token).header("x-request-id", "mine").send().await;
        let id = answer.header("x-request-id").to_owned();
        assert!(!id.is_empty() && id != "mine" && id != "unknown", "{path}: {:?}", answer.headers);
        if answer.status >= 400 {
            assert_eq!(answer.json["request_id"], id, "{path}: {}", answer.text);
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(matches!(answer.header("cache-control"), "no-store" | "private, no-cache"), "{path}");
        assert!(ids.insert(id), "each request has its own");
    }
}

#[tokio::test]
async fn pages_link_to_the_next_one() {
    let tenant = Tenant::new("pages");
    for i in 0..5 {
        tenant.post("/events", &event(&format!("evt_{i}"), "ord_1")).await.expect(201);
    }
    for list in ["/events", "/orders/ord_1/timeline", "/orders/ord_1/timeline?order=occurred_at"] {
        let with = |query: &str| format!("{list}{}{query}", if list.contains('?') { '&' } else { '?' });
        let page = tenant.get(&with("limit=2")).await.expect(200);
        let link = page.header("link").strip_prefix("<?").unwrap().strip_suffix(r#">; rel="next""#).unwrap();
        let path = list.split('?').next().unwrap();
        let second = tenant.get(&format!("{path}?{link}")).await;
        let ids: Vec<&str> = page.items().iter().chain(second.items()).map(|e| e["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["evt_0", "evt_1", "evt_2", "evt_3"], "{list}");
        assert_eq!(tenant.all(&with("limit=1")).await.len(), 5);
    }
}

#[tokio::test]
async fn health_tells_of_every_part_without_a_token() {
    let answer = Api::new().get("/health").send().await.expect(200);
    assert_eq!(answer.json["status"], "up", "{}", answer.text);
    let mut parts = BTreeSet::new();
    for subsystem in answer.json["subsystems"].as_array().unwrap() {
        assert!(subsystem["latency_ms"].is_u64(), "{subsystem}");
        assert_eq!(subsystem["status"], "up", "{subsystem}");
        parts.insert(format!("{} {}", subsystem["part"].as_str().unwrap(), subsystem["name"].as_str().unwrap()));
    }
    let expected = [
        "bucket data",
        "bucket ledger",
        "queue anchor_failures",
        "queue failed_batches",
        "queue integrator_failures",
        "queue repair_failures",
        "stream ingest",
        "table access",
        "table failures",
        "table index",
        "table orders",
        "table requests",
        "table schemas",
        "table segments",
        "table trees",
    ];
    assert!(parts.iter().eq(expected), "{parts:?}");
}

#[tokio::test]
async fn what_is_no_route_is_a_problem_too() {
    let tenant = Tenant::new("no-route");
    let token = tenant.token(&["admin"]);
    for (method, path) in [(Method::GET, "/nothing"), (Method::DELETE, "/events/evt_1"), (Method::PUT, "/events")] {
        let answer = tenant.api.call(method, path).token(&token).send().await;
        // The gateway itself answers these, before any function of ours.
        assert!(matches!(answer.status, 403..=405), "{}: {}", answer.what, answer.text);
    }
}
