//! The handlers, over an embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use domain::event::{self, TenantSource};
use http_api::testing::{TestGate, get};
use store::{
    Clock, Log,
    log::{Outcome, Submission},
};

use crate::{LedgerApi, router};

const STATUS: &str = "/order-history/ledger/status";

#[tokio::test]
async fn the_status_is_the_end_of_the_tenants_own_log() {
    let gate = TestGate::start().await;
    let log = Log::for_tests(gate.dynamo().aws(), Clock::System);
    let app = http_api::app(router(), LedgerApi { log: log.clone(), gate: gate.gate() });
    let token = gate.token("acme", &["auditor"]);
    let empty = get(STATUS).token(&token).send(&app).await;
    assert_eq!((empty.status.as_u16(), &empty.json["sequence"]), (200, &0.into()));
    assert_eq!(empty.json["origin"], "history.example.com/acme");

    let text = r#"{"event_id":"evt_1","order_id":"ord_1","occurred_at":"2025-08-29T12:00:00Z","source":"warehouse",
        "type":"order.shipped","schema_version":"v1","payload":{},"tenant_id":"acme"}"#;
    let event = event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1;
    let outcomes = log.append(&"acme".parse().unwrap(), vec![Submission { event, schema: None }]).await.unwrap();
    let [Outcome::Recorded(receipt)] = &outcomes[..] else { panic!("{outcomes:?}") };

    let one = get(STATUS).token(&token).send(&app).await;
    assert_eq!((&one.json["sequence"], &one.json["length"]), (&1.into(), &1.into()));
    assert_eq!(one.json["ledger_hash"], receipt.ledger_hash.to_string());
    let other = get(STATUS).token(&gate.token("rival", &["admin"])).send(&app).await;
    assert_eq!(other.json["sequence"], 0);
    assert_ne!(other.json["ledger_hash"], empty.json["ledger_hash"]);
}

#[tokio::test]
async fn the_status_is_for_readers() {
    let gate = TestGate::start().await;
    let log = Log::for_tests(gate.dynamo().aws(), Clock::System);
    let app = http_api::app(router(), LedgerApi { log, gate: gate.gate() });
    for (what, token) in gate.refused_tokens("acme", &["admin"]) {
        assert_eq!(get(STATUS).token(&token).send(&app).await.status, 401, "{what}");
    }
    let producer = get(STATUS).token(&gate.token("acme", &["producer"])).send(&app).await;
    assert_eq!((producer.status.as_u16(), producer.problem()), (403, "role-required"));
    let unknown = get(&format!("{STATUS}?at=now")).token(&gate.token("acme", &["auditor"])).send(&app).await;
    assert_eq!((unknown.status.as_u16(), unknown.problem()), (400, "invalid-parameter"));
}
