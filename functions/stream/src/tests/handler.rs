//! The route: what it takes, what it refuses, and to whom it answers.

use axum::Router;
use http_api::{
    Transfer,
    testing::{TestGate, get},
};

use super::{append, client::Client, log};
use crate::{StreamApi, router};

const STREAM: &str = "/order-history/events/stream";
const SSE: &str = "text/event-stream";

/// Three events of `acme`.
async fn service(transfer: Transfer) -> (TestGate, Router) {
    let gate = TestGate::start().await;
    let log = log();
    append(&log, &["a", "b"], "order.created").await;
    append(&log, &["c"], "order.payment.captured").await;
    let app = http_api::app(router(), StreamApi { log, gate: gate.gate(), transfer });
    (gate, app)
}

#[tokio::test]
async fn a_poll_is_a_page_of_events_and_the_next_position() {
    let (gate, app) = service(Transfer::Buffered).await;
    let token = gate.token("acme", &["history_reader"]);
    for (query, ids, next) in [
        ("after=0", vec!["a", "b", "c"], 3),
        ("after=0&limit=2", vec!["a", "b"], 2),
        ("after=1", vec!["b", "c"], 3),
        ("after=0&type=order.payment.*", vec!["c"], 3),
        ("after=0&order_id=ord_2", vec![], 3),
        ("after=0&source=warehouse&from=2025-08-29T12:00:00Z&to=2025-08-29T12:00:01Z", vec!["a", "b", "c"], 3),
        ("after=3", vec![], 3),
        ("actor_id=x", vec![], 3),
    ] {
        let answer = get(&format!("{STREAM}?wait=0&{query}")).token(&token).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"), "{query}");
        let items = answer.json["items"].as_array().unwrap();
        assert_eq!(items.iter().map(|item| item["id"].as_str().unwrap()).collect::<Vec<_>>(), ids, "{query}");
        assert_eq!((&answer.json["next_after"], answer.header("cache-control")), (&next.into(), "no-store"), "{query}");
    }
    let answer = get(&format!("{STREAM}?wait=0&after=0")).token(&token).header("last-event-id", "2").send(&app).await;
    assert_eq!(answer.json["items"][0]["id"], "c", "the header is the later word");
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_id() {
    for transfer in [Transfer::Streamed, Transfer::Buffered] {
        let (gate, app) = service(transfer).await;
        let token = gate.token("acme", &["auditor"]);
        let stream = |query: &str| get(&format!("{STREAM}?window=1{query}")).token(&token).header("accept", SSE);
        for (call, sequences) in [
            (stream("&after=0"), vec![1, 2, 3]),
            (stream("&after=0").header("last-event-id", "1"), vec![2, 3]),
            (stream("&after=0&type=order.payment.*"), vec![3]),
            (stream(""), vec![]),
        ] {
            let answer = call.send(&app).await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, SSE));
            let mut client = Client::default();
            client.read(&answer.bytes);
            assert_eq!((client.sequences(), client.last_id.as_str()), (sequences, "3"), "{transfer:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let (gate, app) = service(Transfer::Buffered).await;
    let token = gate.token("acme", &["history_reader"]);
    for (query, accept, parameter) in [
        ("after=4", "*/*", "after"),
        ("after=-1", "*/*", "after"),
        ("after=x", "*/*", "after"),
        ("after=18446744073709551615", "*/*", "after"),
        ("after=18446744073709551616", "*/*", "after"),
        ("after=4", SSE, "after"),
        ("wait=21", "*/*", "wait"),
        ("wait=1.5", "*/*", "wait"),
        ("wait=1", SSE, "wait"),
        ("limit=0", "*/*", "limit"),
        ("limit=1001", "*/*", "limit"),
        ("limit=5", SSE, "limit"),
        ("window=5", "*/*", "window"),
        ("window=0", SSE, "window"),
        ("window=21", SSE, "window"),
        ("from=2025-08-29T12:00:00Z&to=2025-08-29T12:00:00Z", "*/*", "from"),
        ("type=Order", "*/*", "type"),
        ("cursor=x", "*/*", "cursor"),
        ("has_attachments=true", "*/*", "has_attachments"),
    ] {
        let answer = get(&format!("{STREAM}?{query}")).token(&token).header("accept", accept).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{query} {accept}");
        assert_eq!(answer.json["errors"][0]["parameter"], parameter, "{query} {accept}");
    }
    for (name, value) in [
        ("Last-Event-ID", "4"),
        ("Last-Event-ID", "-1"),
        ("Last-Event-ID", "+1"),
        ("Last-Event-ID", ""),
        ("Last-Event-ID", "18446744073709551616"),
        ("Accept", "text/html"),
        ("Accept", "nonsense"),
    ] {
        let answer = get(&format!("{STREAM}?after=0&wait=0")).token(&token).header(name, value).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-header"), "{name}: {value}");
        assert_eq!(answer.json["errors"][0]["header"], name);
    }
    let twice = get(&format!("{STREAM}?wait=0")).token(&token);
    let twice = twice.header("last-event-id", "1").header("last-event-id", "1").send(&app).await;
    assert_eq!(twice.problem(), "invalid-header");
}

#[tokio::test]
async fn a_window_may_be_longer_where_the_gateway_streams() {
    let (gate, app) = service(Transfer::Streamed).await;
    let token = gate.token("acme", &["history_reader"]);
    // Beyond the end, so that what is asked for the window is known at once.
    for (seconds, parameter) in [(300, "after"), (301, "window")] {
        let uri = format!("{STREAM}?window={seconds}&after=4");
        let answer = get(&uri).token(&token).header("accept", SSE).send(&app).await;
        assert_eq!(answer.json["errors"][0]["parameter"], parameter, "{seconds}");
    }
}

#[tokio::test]
async fn it_is_the_tenants_alone_and_for_its_readers() {
    let (gate, app) = service(Transfer::Buffered).await;
    let uri = format!("{STREAM}?wait=0");
    assert_eq!(get(&uri).send(&app).await.problem(), "missing-token");
    let producer = gate.token("acme", &["producer"]);
    assert_eq!(get(&uri).token(&producer).send(&app).await.problem(), "role-required");
    let stranger = gate.token("other", &["admin"]);
    let answer = get(&uri).token(&stranger).send(&app).await;
    assert_eq!((&answer.json["items"], &answer.json["next_after"]), (&serde_json::json!([]), &0.into()));
    let answer = get(&format!("{uri}&after=1")).token(&stranger).send(&app).await;
    assert_eq!(answer.problem(), "invalid-parameter", "another tenant's number is none of this log's");
    let answer = get(&format!("{STREAM}?after=0&window=1")).token(&stranger).header("accept", SSE).send(&app).await;
    assert_eq!((answer.status.as_u16(), answer.text().contains("data:")), (200, false));
}
