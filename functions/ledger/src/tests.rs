//! The handlers, over an embedded DynamoDB and a bucket in memory.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::{Duration, Instant};

use axum::Router;
use domain::event::{self, TenantSource};
use domain::ids::TenantId;
use http_api::testing::{Answer, TestGate, get};
use ledger::{
    Checkpoint, Hash, Note, TreeHead, VerifierKey, proof::TlogProof, range::RangeVerifier, tree::verify_consistency,
};
use serde_json::json;
use store::{
    Clock, Log, Signer,
    log::{Outcome, Receipt, Submission},
    testing::{MemoryBucket, MemoryKey},
    tree::{Integrator, Ranges, Trees},
};

use crate::{LedgerApi, router};

const LEDGER: &str = "/order-history/ledger";
const PATHS: [&str; 7] = [
    "/status",
    "/checkpoint",
    "/tile/0/000.p/1",
    "/keys",
    "/proof?from=1&to=1",
    "/consistency?from=0&to=1",
    "/anchors",
];

struct Service {
    gate: TestGate,
    app: Router,
    log: Log,
    bucket: MemoryBucket,
    integrator: Integrator,
}

async fn service() -> Service {
    let gate = TestGate::start().await;
    let aws = gate.dynamo().aws();
    let (log, bucket) = (Log::for_tests(aws, Clock::System), MemoryBucket::default());
    let trees = Trees::for_tests(aws, &bucket);
    let ranges = Ranges::for_tests(trees.clone(), log.clone(), Signer::in_memory(MemoryKey::new([2; 32])), &bucket);
    let signers = vec![Signer::in_memory(MemoryKey::new([1; 32]))];
    let integrator = Integrator::new(trees.clone(), log.clone(), signers, Clock::System);
    let app = http_api::app(router(), LedgerApi { log: log.clone(), trees, ranges, gate: gate.gate() });
    Service { gate, app, log, bucket, integrator }
}

impl Service {
    async fn get(&self, path: &str) -> Answer {
        let token = self.gate.token("acme", &["auditor"]);
        get(&format!("{LEDGER}{path}")).token(&token).send(&self.app).await
    }

    /// Records events in the log of a tenant, or of the anchor.
    async fn append(&self, tenant: &TenantId, events: Vec<serde_json::Value>) -> Vec<Receipt> {
        let read = |event: serde_json::Value| {
            let text = event.to_string();
            let event = event::parse(text.as_bytes(), TenantSource::Token(&"acme".parse().unwrap())).unwrap().1;
            Submission { event, schema: None }
        };
        let outcomes = self.log.append(tenant, events.into_iter().map(read).collect()).await.unwrap();
        let receipt = |outcome| if let Outcome::Recorded(receipt) = outcome { receipt } else { panic!("{outcome:?}") };
        outcomes.into_iter().map(receipt).collect()
    }

    async fn record(&self, numbers: std::ops::Range<u64>) -> Vec<Receipt> {
        let event = |number| {
            json!({"event_id": format!("evt_{number}"), "order_id": "ord_1", "occurred_at": "2025-08-29T12:00:00Z",
                "source": "warehouse", "type": "order.shipped", "schema_version": "v1",
                "payload": {"note": "x".repeat(3000), "number": number}})
        };
        self.append(&"acme".parse().unwrap(), numbers.map(event).collect()).await
    }

    async fn integrate(&self, tenant: &TenantId) {
        self.integrator.integrate(tenant, Instant::now() + Duration::from_secs(60)).await.unwrap();
    }

    async fn keys(&self) -> Vec<VerifierKey> {
        let answer = self.get("/keys").await;
        assert_eq!((answer.status.as_u16(), &answer.json["origin"]), (200, &json!("history.example.com/acme")));
        let keys = answer.json["keys"].as_array().unwrap();
        keys.iter().map(|key| key["vkey"].as_str().unwrap().parse().unwrap()).collect()
    }
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn hash(value: &serde_json::Value) -> Hash {
    serde_json::from_value(value.clone()).unwrap()
}

#[tokio::test]
async fn the_status_is_the_end_of_the_tenants_own_log() {
    let service = service().await;
    let empty = service.get("/status").await;
    assert_eq!((empty.status.as_u16(), &empty.json["sequence"]), (200, &0.into()));
    assert_eq!((&empty.json["origin"], &empty.json["checkpoint"]), (&json!("history.example.com/acme"), &json!(null)));

    service.record(1..3).await;
    service.integrate(&acme()).await;
    let receipts = service.record(3..6).await;
    let status = service.get("/status").await;
    assert_eq!((&status.json["sequence"], &status.json["length"]), (&5.into(), &5.into()));
    assert_eq!(status.json["ledger_hash"], receipts[2].ledger_hash.to_string());
    let checkpoint = &status.json["checkpoint"];
    assert_eq!((&checkpoint["size"], &checkpoint["behind"]), (&2.into(), &3.into()));
    assert_eq!(checkpoint["note"], service.get("/checkpoint").await.text());

    let rival = service.gate.token("rival", &["admin"]);
    let other = get(&format!("{LEDGER}/status")).token(&rival).send(&service.app).await;
    assert_eq!((&other.json["sequence"], &other.json["checkpoint"]), (&0.into(), &json!(null)));
    assert_ne!(other.json["ledger_hash"], empty.json["ledger_hash"]);
}

#[tokio::test]
async fn every_route_is_for_readers_and_refuses_what_it_does_not_know() {
    let service = service().await;
    for path in PATHS {
        let path = format!("{LEDGER}{path}");
        for (what, token) in service.gate.refused_tokens("acme", &["admin"]) {
            assert_eq!(get(&path).token(&token).send(&service.app).await.status, 401, "{path} {what}");
        }
        let producer = get(&path).token(&service.gate.token("acme", &["producer"])).send(&service.app).await;
        assert_eq!((producer.status.as_u16(), producer.problem()), (403, "role-required"), "{path}");
        let separator = if path.contains('?') { '&' } else { '?' };
        let unknown = get(&format!("{path}{separator}at=now")).token(&service.gate.token("acme", &["auditor"]));
        let unknown = unknown.send(&service.app).await;
        assert_eq!((unknown.status.as_u16(), unknown.problem()), (400, "invalid-parameter"), "{path}");
    }
}

#[tokio::test]
async fn checkpoint_and_tiles_are_as_they_were_published() {
    let service = service().await;
    for path in ["/checkpoint", "/tile/0/000.p/3", "/consistency?from=0"] {
        let answer = service.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (404, "not-found"), "{path}");
    }
    service.record(1..4).await;
    service.integrate(&acme()).await;
    let objects = service.bucket.contents();

    let checkpoint = service.get("/checkpoint").await;
    assert_eq!((checkpoint.status.as_u16(), &checkpoint.bytes), (200, &objects["acme/checkpoint"]));
    assert_eq!(checkpoint.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(checkpoint.header("cache-control"), "private, no-cache");
    let note = Note::parse(&checkpoint.bytes).unwrap();
    assert_eq!(Checkpoint::verify(&note, &service.keys().await).unwrap().0.size, 3);

    for path in ["tile/0/000.p/3", "tile/entries/000.p/3"] {
        let tile = service.get(&format!("/{path}")).await;
        assert_eq!((tile.status.as_u16(), &tile.bytes), (200, &objects[&format!("acme/{path}")]), "{path}");
        assert_eq!(tile.header("content-type"), "application/octet-stream");
        assert_eq!(tile.header("cache-control"), "private, max-age=31536000, immutable");
    }
    for path in
        ["0/000.p/2", "0/001", "1/000.p/1", "0/0", "0/000.p/256", "entries", "0/000.p/3/", "../rival/tile/0/000.p/3"]
    {
        let missing = service.get(&format!("/tile/{path}")).await;
        assert_eq!((missing.status.as_u16(), missing.problem()), (404, "not-found"), "{path}");
    }
    let rival = service.gate.token("rival", &["admin"]);
    let other = get(&format!("{LEDGER}/tile/0/000.p/3")).token(&rival).send(&service.app).await;
    assert_eq!((other.status.as_u16(), other.problem()), (404, "not-found"));
}

#[tokio::test]
async fn consistency_is_proved_between_any_two_sizes() {
    let service = service().await;
    service.record(1..6).await;
    service.integrate(&acme()).await;
    for (query, from, to) in
        [("from=2&to=5", 2, 5), ("from=3", 3, 5), ("from=0&to=4", 0, 4), ("from=5&to=5", 5, 5), ("from=1&to=1", 1, 1)]
    {
        let answer = service.get(&format!("/consistency?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.json);
        let head = |name: &str| TreeHead {
            size: answer.json[name]["size"].as_u64().unwrap(),
            root: hash(&answer.json[name]["root"]),
        };
        assert_eq!((head("from").size, head("to").size), (from, to));
        let hashes: Vec<Hash> = answer.json["hashes"].as_array().unwrap().iter().map(hash).collect();
        verify_consistency(&head("from"), &head("to"), &hashes).unwrap();
        let note = Note::parse(answer.json["checkpoint"].as_str().unwrap().as_bytes()).unwrap();
        let (checkpoint, _) = Checkpoint::verify(&note, &service.keys().await).unwrap();
        assert!(to != 5 || checkpoint.head() == head("to"));
    }
    for (query, status, problem) in [
        ("from=2&to=6", 409, "not-yet-in-tree"),
        ("from=3&to=2", 400, "invalid-parameter"),
        ("from=6", 409, "not-yet-in-tree"),
        ("from=-1&to=2", 400, "invalid-parameter"),
        ("to=2", 400, "invalid-parameter"),
        ("from=9007199254740993&to=9007199254740994", 409, "not-yet-in-tree"),
    ] {
        let answer = service.get(&format!("/consistency?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (status, problem), "{query}");
    }
}

#[tokio::test]
async fn a_range_is_proved_at_once_or_by_a_link() {
    let service = service().await;
    for start in (1..=1700).step_by(100) {
        service.record(start..start + 100).await;
    }
    service.integrate(&acme()).await;
    let small = service.get("/proof?from=5&to=20").await;
    assert_eq!((small.status.as_u16(), small.header("content-type")), (200, "application/x-ndjson"));
    assert!(!small.text().contains("xxx"), "a proof without content has none");
    let opened = service.get("/proof?from=5&to=20&content=true").await;
    assert!(opened.text().contains("xxx"));

    // More than 4 MiB with content; without it, far less.
    let whole = service.get("/proof?from=1&to=1700").await;
    assert_eq!(whole.status, 200);
    let large = service.get("/proof?from=1&to=1700&content=true").await;
    assert_eq!((large.status.as_u16(), &large.bytes[..]), (303, &[][..]));
    assert_eq!(large.header("cache-control"), "no-store");
    let key = large.header("location").strip_prefix("memory:").unwrap();
    assert!(key.starts_with("proofs/acme/"), "{key}");
    let link = service.bucket.contents()[key].clone();

    let keys = service.keys().await;
    for (bundle, from, to) in [(&small.bytes, 5, 20), (&opened.bytes, 5, 20), (&whole.bytes, 1, 1700), (&link, 1, 1700)]
    {
        let mut verifier = RangeVerifier::new(&keys);
        for line in bundle.split_inclusive(|byte| *byte == b'\n') {
            verifier.line(line).unwrap();
        }
        let range = verifier.finish().unwrap();
        assert_eq!((range.from, range.to, range.checkpoint.size), (from, to, 1700));
    }
    for (query, status, problem) in [
        ("from=1&to=1701", 409, "not-yet-in-tree"),
        ("from=0&to=1", 400, "invalid-parameter"),
        ("from=2&to=1", 400, "invalid-parameter"),
        ("from=1", 400, "invalid-parameter"),
        ("from=1&to=2&content=maybe", 400, "invalid-parameter"),
        ("from=1&to=250001", 422, "range-too-large"),
        ("from=1&to=18446744073709551615", 422, "range-too-large"),
    ] {
        let answer = service.get(&format!("/proof?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (status, problem), "{query}");
    }
}

#[tokio::test]
async fn anchors_come_with_their_proof_and_are_ones_own() {
    let service = service().await;
    service.record(1..3).await;
    service.integrate(&acme()).await;
    let checkpoint = service.get("/checkpoint").await.text().to_owned();
    let parsed = Checkpoint::parse(Note::parse(checkpoint.as_bytes()).unwrap().text()).unwrap();
    let anchored = |tenant: &str, size: u64| {
        json!({"event_id": format!("{tenant}@{size}"), "order_id": tenant, "occurred_at": "2025-08-29T12:00:00Z",
            "source": "ledger-anchor", "type": "ledger.checkpoint.anchored", "schema_version": "v1",
            "payload": {"checkpoint": checkpoint, "origin": format!("history.example.com/{tenant}"), "size": size,
                "root": parsed.root.to_string()}})
    };
    let anchor = TenantId::anchor();
    service.append(&anchor, vec![anchored("rival", 9), anchored("acme", 2)]).await;
    let early = service.get("/anchors").await;
    assert_eq!(early.json["items"][0]["anchor"]["proof"], json!(null), "no checkpoint of the anchor log covers it");

    service.integrate(&anchor).await;
    service.append(&anchor, vec![anchored("acme", 3)]).await;
    service.integrate(&anchor).await;
    let page = service.get("/anchors?limit=1").await;
    assert_eq!((page.status.as_u16(), page.json["items"].as_array().unwrap().len()), (200, 1), "{}", page.json);
    let item = &page.json["items"][0];
    assert_eq!((&item["size"], &item["checkpoint"]), (&2.into(), &json!(checkpoint)));
    assert_eq!((&item["anchor"]["sequence"], &item["anchor"]["witnesses"]), (&2.into(), &json!([])));

    let keys = service.get("/keys").await.json["anchor"].clone();
    assert_eq!(keys["origin"], "history.example.com/~anchor");
    let keys = keys["keys"].as_array().unwrap().iter().map(|key| key["vkey"].as_str().unwrap().parse().unwrap());
    let keys: Vec<VerifierKey> = keys.collect();
    let proof = TlogProof::parse(item["anchor"]["proof"].as_str().unwrap().as_bytes()).unwrap();
    let proved = proof.verify(&keys).unwrap();
    assert_eq!(proved.checkpoint.origin.as_str(), "history.example.com/~anchor");
    assert_eq!(proved.shown.entry().event_id.as_str(), "acme@2");

    let cursor = page.json["next_cursor"].as_str().unwrap();
    let last = service.get(&format!("/anchors?limit=1&cursor={cursor}")).await;
    assert_eq!((&last.json["items"][0]["size"], &last.json["next_cursor"]), (&3.into(), &json!(null)));
    let nobody = service.gate.token("nobody", &["admin"]);
    let none = get(&format!("{LEDGER}/anchors")).token(&nobody).send(&service.app).await;
    assert_eq!(none.json, json!({"items": []}));
}
