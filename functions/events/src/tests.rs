//! The handlers, over an embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod linked;

use axum::Router;
use http_api::testing::{TestGate, get, post, post_text};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use ledger::{VerifierKey, proof::TlogProof};
use store::{
    Clock, Log, Signer,
    schemas::{SchemaCache, Schemas},
    testing::{MemoryBucket, MemoryKey},
    tree::{Integrator, Trees},
};

use crate::{EventsApi, router};

struct Service {
    gate: TestGate,
    app: Router,
    producer: String,
    reader: String,
    log: Log,
    bucket: MemoryBucket,
    trees: Trees,
    integrator: Integrator,
}

async fn service() -> Service {
    let gate = TestGate::start().await;
    let aws = gate.dynamo().aws().clone();
    let schemas = SchemaCache::new(Schemas::new(&aws, store::testing::SCHEMAS), Clock::System);
    let (log, bucket) = (Log::for_tests(&aws, Clock::System), MemoryBucket::default());
    let trees = Trees::for_tests(&aws, &bucket);
    let signers = vec![Signer::in_memory(MemoryKey::new([1; 32]))];
    let integrator = Integrator::new(trees.clone(), log.clone(), signers, Clock::System);
    let api = EventsApi { log: log.clone(), schemas, trees: trees.clone(), gate: gate.gate() };
    let app = http_api::app(router(), api);
    let (producer, reader) = (gate.token("acme", &["producer"]), gate.token("acme", &["history_reader"]));
    Service { gate, app, producer, reader, log, bucket, trees, integrator }
}

const EVENTS: &str = "/order-history/events";

fn shipped(id: &str) -> Value {
    json!({
        "event_id": id, "order_id": "ord_1", "occurred_at": "2025-08-29T12:34:56Z", "source": "warehouse",
        "type": "order.shipped", "schema_version": "v1",
        "payload": {"carrier": "DHL", "address": {"city": "Recife"}}, "metadata": {"actor_id": "svc_warehouse"}
    })
}

impl Service {
    async fn post(&self, event: &Value) -> http_api::testing::Answer {
        post(EVENTS, event).token(&self.producer).send(&self.app).await
    }

    async fn get(&self, path: &str) -> http_api::testing::Answer {
        get(&format!("{EVENTS}{path}")).token(&self.reader).send(&self.app).await
    }

    /// Brings the tree of the tenant up to its log.
    async fn integrate(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        self.integrator.integrate(&"acme".parse().unwrap(), deadline).await.unwrap();
    }

    async fn keys(&self) -> Vec<VerifierKey> {
        let keys = self.trees.keys(&"acme".parse().unwrap()).await.unwrap();
        keys.iter().map(|key| key.vkey.parse().unwrap()).collect()
    }

    /// All events of a list, page by page.
    async fn all(&self, query: &str, limit: usize) -> Vec<String> {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = self.get(&format!("?{query}&limit={limit}{cursor}")).await;
            assert_eq!(answer.status, 200, "{:?}", answer.json);
            let items = answer.json["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            ids.extend(items.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
            match answer.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids,
            }
        }
    }
}

#[tokio::test]
async fn an_event_is_recorded_read_back_and_verified() {
    let service = service().await;
    let first = service.post(&shipped("evt_1")).await;
    assert_eq!(first.status, 201);
    assert_eq!((&first.json["id"], &first.json["sequence"]), (&json!("evt_1"), &json!(1)));

    let again = service.post(&shipped("evt_1")).await;
    assert_eq!((again.status.as_u16(), &again.json), (200, &first.json));
    let mut other = shipped("evt_1");
    other["payload"]["carrier"] = json!("UPS");
    let conflict = service.post(&other).await;
    assert_eq!((conflict.status.as_u16(), conflict.problem()), (409, "event-conflict"));

    let read = service.get("/evt_1").await;
    assert_eq!(read.status, 200);
    assert_eq!(read.json["payload"], shipped("evt_1")["payload"]);
    assert_eq!(read.json["integrity"]["sha256"], first.json["sha256"]);
    assert_eq!(read.json["integrity"]["ledger_hash"], first.json["ledger_hash"]);
    assert!(!read.json.to_string().contains("secret"), "the erasure secret is ours");

    let etag = read.header("etag").to_owned();
    let unchanged = get(&format!("{EVENTS}/evt_1")).token(&service.reader).header("if-none-match", &etag);
    assert_eq!(unchanged.send(&service.app).await.status, 304);

    let verified = service.get("/evt_1/verify").await;
    assert_eq!((verified.status.as_u16(), &verified.json["verified"]), (200, &json!(true)), "{}", verified.json);
    let pending = verified.json["checks"].as_array().unwrap().iter().filter(|check| check["pending"] == true);
    assert_eq!(pending.map(|check| &check["name"]).collect::<Vec<_>>(), ["tree"], "{}", verified.json);

    service.integrate().await;
    let verified = service.get("/evt_1/verify").await;
    assert_eq!(names(&verified.json, |check| check["ok"] == true && check["pending"].is_null()), CHECKS);
    let pointers: Vec<_> =
        verified.json["fields"].as_array().unwrap().iter().map(|field| field["pointer"].as_str().unwrap()).collect();
    let content = ["/metadata/actor_id", "/payload/address/city", "/payload/carrier"];
    assert_eq!(pointers[pointers.len() - 3..], content);
    assert_eq!(verified.json["field_counts"], json!({"ok": 9, "redacted": 0, "missing": 0, "mismatch": 0}));
}

const CHECKS: [&str; 5] = ["content", "log", "chain", "continuity", "tree"];

/// The names of the checks of which this holds.
fn names(verification: &Value, which: impl Fn(&Value) -> bool) -> Vec<String> {
    let checks = verification["checks"].as_array().unwrap().iter().filter(|check| which(check));
    checks.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_proof_needs_no_trust_in_the_service() {
    let service = service().await;
    for id in ["evt_1", "evt_2", "evt_3"] {
        service.post(&shipped(id)).await;
    }
    let early = service.get("/evt_2/proof").await;
    assert_eq!((early.status.as_u16(), early.problem()), (409, "not-yet-in-tree"));
    assert_eq!(early.header("retry-after"), "10");
    assert_eq!(service.get("/evt_9/proof").await.problem(), "not-found");

    service.integrate().await;
    let keys = service.keys().await;
    for (query, shows_content) in [("", false), ("?content=true", true)] {
        let answer = service.get(&format!("/evt_2/proof{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/plain; charset=utf-8"));
        assert_eq!(answer.header("content-disposition"), r#"attachment; filename="evt_2.tlog-proof""#);
        let proof = TlogProof::parse(&answer.bytes).unwrap();
        let proved = proof.verify(&keys).unwrap();
        assert_eq!(proved.shown.entry().event_id.as_str(), "evt_2");
        assert_eq!((proof.index, proved.checkpoint.size), (1, 3));
        let extra = String::from_utf8(proof.extra.unwrap()).unwrap();
        assert_eq!(extra.contains("Recife"), shows_content, "{extra}");
    }
    let unknown = service.get("/evt_2/proof?contents=true").await;
    assert_eq!((unknown.status.as_u16(), unknown.problem()), (400, "invalid-parameter"));
}

#[tokio::test]
async fn a_stored_event_that_was_changed_does_not_verify() {
    let service = service().await;
    service.post(&shipped("evt_1")).await;
    service.integrate().await;
    let index = || service.gate.dynamo().aws().dynamo().clone();
    let key = |attribute: &str| aws_sdk_dynamodb::types::AttributeValue::S(attribute.to_owned());
    let number = |n: u64| aws_sdk_dynamodb::types::AttributeValue::N(n.to_string());
    let item = index().get_item().table_name("Index").key("pk", key("acme#O#ord_1")).key("sk", number(1));
    let mut item = item.send().await.unwrap().item.unwrap();
    let body = item["body"].as_b().unwrap().clone().into_inner();
    let text = String::from_utf8(zstd::bulk::decompress(&body, 1 << 20).unwrap()).unwrap();
    let forged = zstd::bulk::compress(text.replace("DHL", "DHX").as_bytes(), 3).unwrap();
    item.insert("body".to_owned(), aws_sdk_dynamodb::types::AttributeValue::B(forged.into()));
    index().put_item().table_name("Index").set_item(Some(item.clone())).send().await.unwrap();

    let verified = service.get("/evt_1/verify").await;
    assert_eq!(verified.json["verified"], false);
    assert_eq!(names(&verified.json, |check| check["ok"] == false), ["content", "log", "tree"]);
    let wrong: Vec<_> =
        verified.json["fields"].as_array().unwrap().iter().filter(|field| field["status"] != "ok").collect();
    assert_eq!(wrong, [&json!({"pointer": "/payload/carrier", "status": "mismatch"})], "the very field is named");

    // A copy that is no event any more, and one that is gone: the log still has it.
    let mut broken = item.clone();
    broken.insert("body".to_owned(), aws_sdk_dynamodb::types::AttributeValue::B(vec![1, 2, 3].into()));
    index().put_item().table_name("Index").set_item(Some(broken)).send().await.unwrap();
    let unreadable = service.get("/evt_1/verify").await;
    index().delete_item().table_name("Index").key("pk", key("acme#O#ord_1")).key("sk", number(1)).send().await.unwrap();
    let gone = service.get("/evt_1/verify").await;
    for answer in [unreadable, gone] {
        assert_eq!((answer.status.as_u16(), &answer.json["verified"]), (200, &json!(false)), "{}", answer.json);
        assert_eq!(names(&answer.json, |check| check["ok"] == false), ["content"]);
        assert_eq!(answer.json["field_counts"], json!({"ok": 0, "redacted": 0, "missing": 3, "mismatch": 0}));
    }
}

#[tokio::test]
async fn a_tree_that_was_changed_does_not_verify() {
    let service = service().await;
    for id in ["evt_1", "evt_2"] {
        service.post(&shipped(id)).await;
    }
    service.integrate().await;
    let genuine = service.bucket.contents();
    let whole = service.get("/evt_1/verify").await;
    assert_eq!(whole.json["verified"], true, "{}", whole.json);
    for key in ["acme/checkpoint", "acme/tile/0/000.p/2"] {
        for place in 0..genuine[key].len() {
            let mut bytes = genuine[key].to_vec();
            bytes[place] ^= 1;
            service.bucket.overwrite(key, bytes);
            let answer = service.get("/evt_1/verify").await;
            assert_eq!(answer.status, 200, "{key}, byte {place}: {}", answer.json);
            assert_eq!(names(&answer.json, |check| check["ok"] == false), ["tree"], "{key}, byte {place}");
        }
        service.bucket.overwrite(key, genuine[key].clone());
    }
    let segment = service.gate.dynamo().aws().dynamo();
    let second = segment.delete_item().table_name("Segments");
    let second = second.key("tenant", aws_sdk_dynamodb::types::AttributeValue::S("acme".to_owned()));
    second.key("first", aws_sdk_dynamodb::types::AttributeValue::N("2".to_owned())).send().await.unwrap();
    let shorter = service.get("/evt_1/verify").await;
    assert_eq!(names(&shorter.json, |check| check["ok"] == false), ["tree"], "the log lost a signed event");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_named_and_nothing_is_stored() {
    let service = service().await;
    let event = shipped("evt_1").to_string();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(70), "}".repeat(70));
    let cases: Vec<(String, u16, &str)> = vec![
        (String::new(), 400, "missing-body"),
        ("{".to_owned(), 400, "malformed-json"),
        (event.replace(r#""carrier":"DHL""#, r#""carrier":"DHL","carrier":"UPS""#), 400, "duplicate-key"),
        (event.replace(r#""DHL""#, "9007199254740993"), 400, "number-out-of-range"),
        (event.replace(r#""DHL""#, &deep), 400, "too-deep"),
        (event.replace("DHL", &"x".repeat(256 * 1024)), 413, "event-too-large"),
        ("[]".to_owned(), 422, "invalid-event"),
        (event.replace("ord_1", ""), 422, "invalid-event"),
        (event.replace("order_id", "orderid"), 422, "invalid-event"),
        (event.replace("12:34:56Z", "12:34:56"), 422, "invalid-event"),
        (event.replace("2025-08", "10000-08"), 422, "invalid-event"),
        (event.replace("evt_1", r"evt\u0000"), 422, "invalid-event"),
        (event.replace(r#""source""#, r#""tenant_id":"rival","source""#), 422, "invalid-event"),
        (event.replace(r#""source""#, r#""extra":1,"source""#), 422, "invalid-event"),
    ];
    for (body, status, problem) in cases {
        let shown: String = body.chars().take(200).collect();
        let answer = post_text(EVENTS, body).token(&service.producer).send(&service.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (status, problem), "{shown}");
    }
    let text = post_text(EVENTS, event.clone()).without("content-type").header("content-type", "text/plain");
    let answer = text.token(&service.producer).send(&service.app).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (415, "unsupported-media-type"));
    assert!(service.all("", 10).await.is_empty(), "nothing of it is stored");
}

#[tokio::test]
async fn nobody_gets_in_without_the_right_token_and_role() {
    let service = service().await;
    service.post(&shipped("evt_1")).await;
    let paths = ["", "/evt_1", "/evt_1/verify", "/evt_1/proof", "/evt_1/corrections", "/evt_1/attachments"];
    for (what, token) in service.gate.refused_tokens("acme", &["admin"]) {
        for path in paths {
            let answer = get(&format!("{EVENTS}{path}")).token(&token).send(&service.app).await;
            assert_eq!(answer.status, 401, "{what} {path}");
        }
        for path in ["", "/validate"] {
            let answer = post(&format!("{EVENTS}{path}"), &shipped("evt_2")).token(&token).send(&service.app).await;
            assert_eq!(answer.status, 401, "{what} {path}");
        }
    }
    for path in paths {
        let none = get(&format!("{EVENTS}{path}")).send(&service.app).await;
        assert_eq!((none.status.as_u16(), none.problem()), (401, "missing-token"));
        let role = get(&format!("{EVENTS}{path}")).token(&service.producer).send(&service.app).await;
        assert_eq!((role.status.as_u16(), role.problem()), (403, "role-required"));
        let tenant = get(&format!("{EVENTS}{path}")).token(&service.reader).header("x-tenant-id", "rival");
        let tenant = tenant.send(&service.app).await;
        assert_eq!((tenant.status.as_u16(), tenant.problem()), (403, "tenant-forbidden"));
    }
    for path in ["", "/validate"] {
        let answer =
            post(&format!("{EVENTS}{path}"), &shipped("evt_2")).token(&service.reader).send(&service.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (403, "role-required"));
    }
}

#[tokio::test]
async fn another_tenant_finds_nothing() {
    let service = service().await;
    for id in ["evt_1", "evt_2", "evt_3"] {
        service.post(&shipped(id)).await;
    }
    let rival = service.gate.token("rival", &["admin"]);
    for path in ["/evt_1", "/evt_1/verify", "/evt_1/proof", "/evt_1/corrections", "/evt_1/attachments"] {
        let answer = get(&format!("{EVENTS}{path}")).token(&rival).send(&service.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (404, "not-found"));
    }
    for query in ["", "?order_id=ord_1"] {
        let answer = get(&format!("{EVENTS}{query}")).token(&rival).send(&service.app).await;
        assert_eq!(answer.json["items"], json!([]));
    }
    let page = service.get("?limit=1").await;
    let cursor = page.json["next_cursor"].as_str().unwrap();
    let stolen = get(&format!("{EVENTS}?limit=1&cursor={cursor}")).token(&rival).send(&service.app).await;
    assert_eq!((stolen.status.as_u16(), stolen.problem()), (400, "invalid-cursor"));

    let theirs = post(EVENTS, &shipped("evt_1")).token(&rival).send(&service.app).await;
    assert_eq!((theirs.status.as_u16(), &theirs.json["sequence"]), (201, &json!(1)), "its own id, its own log");
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let service = service().await;
    for i in 0..12 {
        let mut event = shipped(&format!("evt_{i:02}"));
        event["order_id"] = json!(format!("ord_{}", i % 2));
        event["type"] = json!(["order.payment.failed", "order.payment.card.declined", "order.paid"][i % 3]);
        event["source"] = json!(["payments", "warehouse"][i % 2]);
        event["occurred_at"] = json!(format!("2025-08-{:02}T00:00:00+02:00", i + 1));
        event["metadata"]["actor_id"] = json!(format!("actor {}", i % 4));
        assert_eq!(service.post(&event).await.status, 201);
    }
    let ids = |which: &[usize]| which.iter().map(|i| format!("evt_{i:02}")).collect::<Vec<_>>();
    for limit in [1, 5, 100] {
        assert_eq!(service.all("", limit).await, ids(&(0..12).collect::<Vec<_>>()));
        assert_eq!(service.all("type=order.payment.*", limit).await, ids(&[0, 1, 3, 4, 6, 7, 9, 10]));
        assert_eq!(service.all("type=order.paid&source=warehouse", limit).await, ids(&[5, 11]));
        assert_eq!(service.all("order_id=ord_1&type=order.payment.*", limit).await, ids(&[1, 3, 7, 9]));
        assert_eq!(service.all("actor_id=actor%203", limit).await, ids(&[3, 7, 11]));
        let range = "from=2025-08-03T00:00:00%2B02:00&to=2025-08-06T00:00:00%2B02:00";
        assert_eq!(service.all(range, limit).await, ids(&[2, 3, 4]));
        assert_eq!(service.all(&format!("{range}&order_id=ord_0"), limit).await, ids(&[2, 4]));
    }
    let cursor = service.get("?limit=2").await.json["next_cursor"].as_str().unwrap().to_owned();
    let mut forged = cursor.clone();
    forged.replace_range(3..4, if &cursor[3..4] == "A" { "B" } else { "A" });
    for (query, problem) in [
        ("limit=0".to_owned(), "invalid-parameter"),
        ("limit=-1".to_owned(), "invalid-parameter"),
        ("limit=10000000".to_owned(), "invalid-parameter"),
        ("colour=red".to_owned(), "invalid-parameter"),
        ("type=order.*.failed".to_owned(), "invalid-parameter"),
        ("from=yesterday".to_owned(), "invalid-parameter"),
        ("from=2025-08-03T00:00:00Z&to=2025-08-03T00:00:00Z".to_owned(), "invalid-parameter"),
        ("source=a&source=b".to_owned(), "invalid-parameter"),
        (format!("cursor={forged}"), "invalid-cursor"),
        (format!("cursor={cursor}&type=order.paid"), "invalid-cursor"),
        ("cursor=abc".to_owned(), "invalid-cursor"),
    ] {
        let answer = service.get(&format!("?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, problem), "{query}");
    }
}

#[tokio::test]
async fn validation_answers_for_each_event_and_stores_nothing() {
    let service = service().await;
    let mut bad = shipped("evt_2");
    bad["occurred_at"] = json!("today");
    bad["payload"] = json!(7);
    let large = json!({"payload": "x".repeat(256 * 1024)});
    let body = json!([shipped("evt_1"), bad, 3, large]);
    let answer = post(&format!("{EVENTS}/validate"), &body).token(&service.producer).send(&service.app).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    assert_eq!(answer.json["valid"], false);
    let events = answer.json["events"].as_array().unwrap();
    let valid: Vec<_> = events.iter().map(|event| event["valid"].as_bool().unwrap()).collect();
    assert_eq!(valid, [true, false, false, false]);
    let pointers = |i: usize| {
        let errors = events[i]["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(pointers(1), ["/occurred_at", "/payload"]);
    assert_eq!(pointers(2), [""]);
    let one = post(&format!("{EVENTS}/validate"), &shipped("evt_1")).token(&service.producer).send(&service.app).await;
    assert_eq!(one.json, json!({"valid": true, "events": [{"index": 0, "valid": true, "errors": []}]}));
    assert!(service.all("", 10).await.is_empty());
}
