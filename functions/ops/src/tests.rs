#![expect(clippy::unwrap_used, reason = "a test may fail")]

use axum::Router;
use domain::time::Timestamp;
use http_api::testing::{NOW, TestGate, get};
use serde_json::json;
use store::{
    Aws, Failures,
    failures::{Failure, Finding, Place},
    testing::{FAILURES, INDEX, SEGMENTS},
};
use tokio::net::TcpListener;

use crate::{Health, OpsApi, probes, router};

const HEALTH: &str = "/order-history/health";
const DIAGNOSTICS: &str = "/order-history/diagnostics";

fn app(gate: &TestGate, health: Health) -> Router {
    let failures = Failures::new(gate.dynamo().aws(), FAILURES, 30);
    http_api::app(router(), OpsApi { gate: gate.gate(), failures, health })
}

fn tables(aws: &Aws) -> Vec<probes::Probe> {
    vec![probes::table(aws, "segments", SEGMENTS), probes::table(aws, "index", INDEX)]
}

fn failure(tenant: Option<&str>, element: u32) -> Failure {
    let place = Place {
        arrived_at: Timestamp::clamped_from_millis(NOW * 1000 + i64::from(element)),
        source: "kinesis:shardId-000000000000".to_owned(),
        sequence_number: "4959".to_owned(),
        user_record: 0,
        element,
    };
    let findings = vec![Finding { pointer: Some("/order_id".to_owned()), detail: "is missing".to_owned() }];
    let tenant = tenant.map(|tenant| tenant.parse().unwrap());
    Failure::new(tenant, place, "invalid-event", findings, b"{\"event_id\":\"evt_1\"}").unwrap()
}

#[tokio::test]
async fn health_needs_no_token_and_names_no_resource() {
    let gate = TestGate::start().await;
    let app = app(&gate, Health::new(tables(gate.dynamo().aws())));

    let answer = get(HEALTH).send(&app).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!((&answer.json["status"], &answer.json["checked_at"]), (&json!("up"), &json!("2025-08-29T12:00:00Z")));
    let first = &answer.json["subsystems"][0];
    assert_eq!((&first["part"], &first["name"], &first["status"]), (&json!("table"), &json!("segments"), &json!("up")));
    assert!(first["latency_ms"].is_u64());
    assert!(!answer.json.to_string().contains(SEGMENTS));
    assert_eq!(get("/order-history/health?verbose=1").send(&app).await.problem(), "invalid-parameter");
}

#[tokio::test]
async fn a_part_that_is_gone_is_down_by_itself() {
    let gate = TestGate::start().await;
    let aws = gate.dynamo().aws();
    let mut probes = tables(aws);
    probes.push(probes::table(aws, "failures", "Missing"));

    let answer = get(HEALTH).send(&app(&gate, Health::new(probes))).await;

    assert_eq!(answer.status, 503);
    let statuses = [0, 1, 2].map(|index| answer.json["subsystems"][index]["status"].clone());
    assert_eq!(statuses, ["up", "up", "down"]);
}

#[tokio::test]
async fn a_part_that_never_answers_is_down_after_a_while_and_asked_once() {
    let gate = TestGate::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let config = gate.dynamo().aws().config().to_builder().endpoint_url(format!("http://{address}")).build();
    let mut probes = tables(gate.dynamo().aws());
    probes.push(probes::table(&Aws::new(config), "failures", FAILURES));
    let app = app(&gate, Health::new(probes));

    let (one, other) = tokio::join!(get(HEALTH).send(&app), get(HEALTH).send(&app));

    assert_eq!((one.status.as_u16(), &one.json), (503, &other.json));
    let statuses = [0, 1, 2].map(|index| one.json["subsystems"][index]["status"].clone());
    assert_eq!(statuses, ["up", "up", "down"]);
    assert!(one.json["subsystems"][2]["latency_ms"].as_u64().unwrap() >= 3000);
}

#[tokio::test]
async fn an_answer_is_given_again_for_a_few_seconds() {
    let gate = TestGate::start().await;
    let app = app(&gate, Health::new(tables(gate.dynamo().aws())));
    let first = get(HEALTH).send(&app).await.json;
    gate.dynamo().aws().dynamo().delete_table().table_name(INDEX).send().await.unwrap();

    gate.advance(4);
    assert_eq!(get(HEALTH).send(&app).await.json, first);
    gate.advance(1);
    assert_eq!(get(HEALTH).send(&app).await.status, 503);
}

#[tokio::test]
async fn an_admin_reads_the_failures_of_the_own_tenant_page_by_page() {
    let gate = TestGate::start().await;
    let failures = Failures::new(gate.dynamo().aws(), FAILURES, 30);
    let mine = (0..5).map(|element| failure(Some("acme"), element));
    failures.put_all(mine.chain([failure(Some("rival"), 0), failure(None, 1)]).collect()).await.unwrap();
    let app = app(&gate, Health::new(Vec::new()));
    let token = gate.token("acme", &["admin"]);

    let mut elements = Vec::new();
    let mut uri = format!("{DIAGNOSTICS}?limit=2");
    loop {
        let answer = get(&uri).token(&token).send(&app).await;
        assert_eq!(answer.status, 200);
        let items = answer.json["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        elements.extend(items.iter().map(|item| item["element"].as_u64().unwrap()));
        match answer.json["next_cursor"].as_str() {
            Some(cursor) => uri = format!("{DIAGNOSTICS}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(elements, [4, 3, 2, 1, 0]);

    let answer = get(&format!("{DIAGNOSTICS}?limit=1")).token(&token).send(&app).await;
    assert_eq!(
        answer.json["items"][0],
        json!({
            "arrived_at": "2025-08-29T12:00:00.004Z", "source": "kinesis:shardId-000000000000",
            "sequence_number": "4959", "user_record": 0, "element": 4, "reason": "invalid-event",
            "findings": [{"pointer": "/order_id", "detail": "is missing"}],
            "size": 20, "sample": "{\"event_id\":\"evt_1\"}"
        })
    );
    // The cursor is good for this tenant alone.
    let cursor = answer.json["next_cursor"].as_str().unwrap();
    let rival = gate.token("rival", &["admin"]);
    let stolen = get(&format!("{DIAGNOSTICS}?limit=1&cursor={cursor}")).token(&rival).send(&app).await;
    assert_eq!(stolen.problem(), "invalid-cursor");
}

#[tokio::test]
async fn diagnostics_are_for_admins() {
    let gate = TestGate::start().await;
    let app = app(&gate, Health::new(Vec::new()));
    assert_eq!(get(DIAGNOSTICS).send(&app).await.problem(), "missing-token");
    for (what, token) in gate.refused_tokens("acme", &["admin"]) {
        assert_eq!(get(DIAGNOSTICS).token(&token).send(&app).await.status, 401, "{what}");
    }
    let reader = gate.token("acme", &["producer", "history_reader", "auditor"]);
    assert_eq!(get(DIAGNOSTICS).token(&reader).send(&app).await.problem(), "role-required");
    let admin = gate.token("acme", &["admin"]);
    assert_eq!(get(&format!("{DIAGNOSTICS}?limit=0")).token(&admin).send(&app).await.problem(), "invalid-parameter");
    assert_eq!(get(&format!("{DIAGNOSTICS}?reason=x")).token(&admin).send(&app).await.problem(), "invalid-parameter");
}
