//! The handlers, over an embedded DynamoDB and a bucket in memory.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use axum::{Router, body::Body};
use domain::event::{self, TenantSource};
use http_api::testing::{Answer, Call, TestGate, get, post};
use serde_json::{Value, json};
use store::{Clock, History, Log, log::Submission, testing::MemoryBucket};

use crate::{SnapshotsApi, router};

const LIST: &str = "/order-history/orders/ord_1/snapshots";
const ONE: &str = "/order-history/snapshots/snap_1";

struct Service {
    gate: TestGate,
    app: Router,
    log: Log,
    history: History,
    bucket: MemoryBucket,
}

/// A service with two events of `ord_1`.
async fn service() -> Service {
    let gate = TestGate::start().await;
    let (log, bucket) = (Log::for_tests(gate.dynamo().aws(), Clock::System), MemoryBucket::default());
    let history = History::for_tests(gate.dynamo().aws(), &log, &bucket);
    let api = SnapshotsApi { log: log.clone(), history: history.clone(), gate: gate.gate() };
    let service = Service { app: http_api::app(router(), api), gate, log, history, bucket };
    service.record("evt_1", "2025-08-01T00:00:00Z", json!({"total": 5, "customer": {"email": "a@example.com"}})).await;
    service.record("evt_2", "2025-08-02T00:00:00Z", json!({"paid": true})).await;
    service
}

impl Service {
    async fn record(&self, id: &str, occurred_at: &str, payload: Value) {
        let tenant = "acme".parse().unwrap();
        let envelope = json!({
            "event_id": id, "order_id": "ord_1", "occurred_at": occurred_at, "source": "shop", "type": "order.touched",
            "schema_version": "v1", "payload": payload,
        });
        let (_, event) = event::from_value(envelope, TenantSource::Token(&tenant)).unwrap();
        self.log.append(&tenant, vec![Submission { event, schema: None }]).await.unwrap();
    }

    async fn store(&self, body: &Value) -> Answer {
        post(LIST, body).token(&self.gate.token("acme", &["producer"])).send(&self.app).await
    }

    async fn read(&self, uri: &str) -> Answer {
        get(uri).token(&self.gate.token("acme", &["history_reader"])).send(&self.app).await
    }

    async fn delete(&self, query: &str) -> Answer {
        let call = Call::new(axum::http::Method::DELETE, &format!("{ONE}{query}"), Body::empty());
        call.token(&self.gate.token("acme", &["admin"])).send(&self.app).await
    }
}

fn snapshot(state: Value) -> Value {
    json!({
        "snapshot_id": "snap_1", "captured_at": "2025-08-03T00:00:00Z", "source": "shop", "state": state,
        "metadata": {"by": "nightly"},
    })
}

fn whole() -> Value {
    json!({"total": 5, "customer": {"email": "a@example.com"}, "paid": true})
}

#[tokio::test]
async fn a_snapshot_is_stored_once_and_read_back() {
    let service = service().await;
    let created = service.store(&snapshot(whole())).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!((&created.json["matches_history"], &created.json["is_base"]), (&json!(true), &json!(true)));
    assert_eq!(created.json["sequence"], 3);
    assert_eq!(created.json["size_bytes"], whole().to_string().len());

    service.gate.advance(60);
    let again = service.store(&snapshot(whole())).await;
    assert_eq!((again.status.as_u16(), &again.json), (200, &created.json));
    for (name, value) in [
        ("state", json!({"total": 6})),
        ("captured_at", json!("2025-08-03T00:00:01Z")),
        ("source", json!("other")),
        ("metadata", json!({})),
    ] {
        let mut other = snapshot(whole());
        other[name] = value;
        let refused = service.store(&other).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "snapshot-exists"), "{name}");
    }
    assert_eq!(service.bucket.contents().len(), 1);

    let read = service.read(ONE).await;
    assert_eq!((read.status.as_u16(), &read.json["state"]), (200, &whole()));
    assert_eq!(read.json["sha256"], created.json["sha256"]);
    let token = service.gate.token("acme", &["auditor"]);
    let unchanged = get(ONE).token(&token).header("if-none-match", read.header("etag")).send(&service.app).await;
    assert_eq!(unchanged.status, 304);
    let listed = service.read(LIST).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed.json["items"][0]["metadata"], json!({"by": "nightly"}));
    assert!(listed.json["items"][0].get("state").is_none());
}

#[tokio::test]
async fn what_does_not_match_the_history_is_kept_and_never_started_from() {
    let service = service().await;
    let claimed = service.store(&snapshot(json!({"total": 4}))).await;
    assert_eq!((claimed.status.as_u16(), &claimed.json["matches_history"]), (201, &json!(false)));
    assert_eq!(claimed.json["is_base"], false);
    let told = service.history.as_of(&"acme".parse().unwrap(), &"ord_1".parse().unwrap(), Default::default()).await;
    let told = told.unwrap().unwrap();
    assert_eq!((told.base, Value::Object(told.folded.state)), (None, whole()));
    assert_eq!(service.read(ONE).await.json["state"], json!({"total": 4}));
}

#[tokio::test]
async fn a_deleted_snapshot_leaves_a_tombstone() {
    let service = service().await;
    assert_eq!(service.delete("").await.status, 404);
    service.store(&snapshot(whole())).await;
    let deleted = service.delete("?reason=retention").await;
    assert_eq!((deleted.status.as_u16(), &deleted.json["deleted"]["reason"]), (200, &json!("retention")));
    assert!(service.bucket.contents().is_empty());
    let again = service.delete("?reason=another").await;
    assert_eq!((again.status.as_u16(), &again.json), (200, &deleted.json));
    let read = service.read(ONE).await;
    assert_eq!((read.status.as_u16(), &read.json), (200, &deleted.json));
    assert_eq!(service.read(LIST).await.json["items"], json!([deleted.json]));
    let stored = service.store(&snapshot(whole())).await;
    assert_eq!((stored.status.as_u16(), stored.problem()), (409, "snapshot-exists"));
    assert!(service.bucket.contents().is_empty());
    assert_eq!(service.delete("?reason=").await.problem(), "invalid-parameter");
}

#[tokio::test]
async fn a_large_state_is_behind_a_link() {
    let service = service().await;
    let large = json!({"note": "x".repeat(300_000)});
    assert_eq!(service.store(&snapshot(large.clone())).await.status, 201);
    let read = service.read(ONE).await;
    assert!(read.json.get("state").is_none());
    let url = read.json["download"]["url"].as_str().unwrap();
    let key = url.strip_prefix("memory:").unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&service.bucket.contents()[key]).unwrap(), large);
    assert_eq!(read.json["download"]["expires_at"], "2025-08-29T12:05:00Z");
    assert_eq!(read.header("etag"), "");
}

#[tokio::test]
async fn snapshots_are_listed_in_pages() {
    let service = service().await;
    for number in 0..5 {
        let mut body = snapshot(json!({"n": number}));
        body["snapshot_id"] = json!(format!("snap_{number}"));
        assert_eq!(service.store(&body).await.status, 201);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.read(&format!("{LIST}?limit=2{cursor}")).await;
        let items = page.json["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["snapshot_id"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["snap_0", "snap_1", "snap_2", "snap_3", "snap_4"]);
}

#[tokio::test]
async fn snapshots_are_their_tenants_alone_and_need_a_role() {
    let service = service().await;
    service.store(&snapshot(whole())).await;
    let (gate, app) = (&service.gate, &service.app);
    let rival = gate.token("rival", &["admin"]);
    assert_eq!(get(ONE).token(&rival).send(app).await.problem(), "not-found");
    assert_eq!(get(LIST).token(&rival).send(app).await.json["items"], json!([]));
    let delete = |token: &str| Call::new(axum::http::Method::DELETE, ONE, Body::empty()).token(token);
    assert_eq!(delete(&rival).send(app).await.problem(), "not-found");
    // The same id is another snapshot.
    assert_eq!(post(LIST, &snapshot(json!({}))).token(&rival).send(app).await.json["matches_history"], true);
    assert_eq!(service.read(ONE).await.json["state"], whole());

    for (roles, stores, reads, deletes) in [
        ("producer", 200, 403, 403),
        ("history_reader", 403, 200, 403),
        ("auditor", 403, 200, 403),
        ("admin", 200, 200, 200),
    ] {
        let token = gate.token("acme", &[roles]);
        assert_eq!(post(LIST, &snapshot(whole())).token(&token).send(app).await.status, stores, "{roles}");
        assert_eq!(get(LIST).token(&token).send(app).await.status, reads, "{roles}");
        assert_eq!(get(ONE).token(&token).send(app).await.status, reads, "{roles}");
        assert_eq!(delete(&token).send(app).await.status, deletes, "{roles}");
    }
    for (what, token) in gate.refused_tokens("acme", &["admin"]) {
        assert_eq!(get(ONE).token(&token).send(app).await.status, 401, "{what}");
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let service = service().await;
    for (name, value) in [
        ("snapshot_id", json!("a b")),
        ("captured_at", json!("2025-08-03")),
        ("source", json!("")),
        ("state", json!([])),
        ("view", json!("both")),
        ("extra", json!(1)),
        ("metadata", json!({"note": "x".repeat(20_000)})),
    ] {
        let mut body = snapshot(whole());
        body[name] = value;
        let refused = service.store(&body).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (422, "invalid-body"), "{name}");
        assert_eq!(refused.json["errors"][0]["pointer"], format!("/{name}"));
    }
    assert!(service.bucket.contents().is_empty());
}
