//! `Idempotency-Key`: once is once.

use http_api::testing::{Answer, Call, post};
use serde_json::{Value, json};

use crate::sample::{Sample, THINGS};

fn body(name: &str) -> Value {
    json!({"name": name, "count": 1})
}

fn call(sample: &Sample, key: &str, name: &str) -> Call {
    post(THINGS, &body(name)).token(&sample.producer()).header("idempotency-key", key)
}

async fn send(sample: &Sample, key: &str, name: &str) -> Answer {
    call(sample, key, name).send(&sample.app).await
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    let sample = Sample::start().await;
    let first = send(&sample, "k-1", "a").await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, ""));
    let again = send(&sample, "k-1", "a").await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json, first.json);
    assert_eq!(again.header("content-type"), "application/json");
    assert_eq!(sample.made(), 1);

    assert_eq!(send(&sample, "k-2", "a").await.json["number"], 2, "another key is another request");
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let sample = Sample::start().await;
    send(&sample, "k-1", "a").await;
    let other = send(&sample, "k-1", "b").await;
    assert_eq!((other.status.as_u16(), other.problem()), (422, "idempotency-key-reused"));
    assert_eq!(sample.made(), 1);
}

#[tokio::test]
async fn a_key_belongs_to_tenant_subject_and_route() {
    let sample = Sample::start().await;
    send(&sample, "k-1", "a").await;
    let foreign = sample.gate.token("globex", &["producer"]);
    let call = |token: &str| post(THINGS, &body("b")).token(token).header("idempotency-key", "k-1");
    assert_eq!(call(&foreign).send(&sample.app).await.json["by"], "globex");
    let mut claims = sample.gate.claims("acme", &["producer"]);
    claims["sub"] = json!("user-2");
    assert_eq!(call(&sample.gate.sign(&claims)).send(&sample.app).await.status, 201);
    let route = post("/order-history/echo", &body("b")).token(&sample.producer()).header("idempotency-key", "k-1");
    assert_eq!(route.send(&sample.app).await.status, 200);
}

#[tokio::test]
async fn a_request_that_is_running_is_not_started_again() {
    let sample = Sample::start().await;
    let second = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        send(&sample, "k-1", "slow").await
    };
    let (first, second) = tokio::join!(send(&sample, "k-1", "slow"), second);
    assert_eq!(first.status, 201);
    assert_eq!((second.status.as_u16(), second.problem()), (409, "idempotency-in-progress"));
    assert_eq!(second.header("retry-after"), "2");
    assert_eq!(sample.made(), 1);
    assert_eq!(send(&sample, "k-1", "slow").await.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn a_refusal_settles_the_request_and_our_own_trouble_does_not() {
    let sample = Sample::start().await;
    assert_eq!(send(&sample, "k-1", "conflict").await.problem(), "event-conflict");
    let again = send(&sample, "k-1", "conflict").await;
    assert_eq!((again.problem(), again.header("idempotency-replayed")), ("event-conflict", "true"));
    assert_eq!(sample.made(), 1);

    for name in ["unavailable", "panic"] {
        let made = sample.made();
        assert!(send(&sample, name, name).await.status.is_server_error());
        let again = send(&sample, name, name).await;
        assert!(again.status.is_server_error() && again.header("idempotency-replayed").is_empty(), "{name}");
        assert_eq!(sample.made(), made + 2, "{name}");
    }
}

#[tokio::test]
async fn an_answer_too_large_to_keep_is_given_and_not_kept() {
    let sample = Sample::start().await;
    for number in [1, 2] {
        let answer = send(&sample, "k-1", "large").await;
        assert_eq!((answer.status.as_u16(), answer.json["number"].as_u64()), (201, Some(number)));
    }
}

#[tokio::test]
async fn answers_are_kept_for_a_day() {
    let sample = Sample::start().await;
    send(&sample, "k-1", "a").await;
    sample.gate.advance(24 * 3600 - 1);
    assert_eq!(send(&sample, "k-1", "a").await.header("idempotency-replayed"), "true");
    sample.gate.advance(1);
    assert_eq!(send(&sample, "k-1", "b").await.json["number"], 2);
}

#[tokio::test]
async fn keys_are_short_visible_ascii_sent_once() {
    let sample = Sample::start().await;
    for key in ["", " ", "a b", "é", &"x".repeat(256)] {
        let answer = send(&sample, key, "a").await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-idempotency-key"), "{key:?}");
    }
    let twice = call(&sample, "a", "a").header("idempotency-key", "b").send(&sample.app).await;
    assert_eq!(twice.problem(), "invalid-idempotency-key");
    assert_eq!(sample.made(), 0);
    assert_eq!(send(&sample, &"x".repeat(255), "a").await.status, 201);
}

#[tokio::test]
async fn whoever_has_no_token_leaves_no_trace() {
    let sample = Sample::start().await;
    let call = post(THINGS, &body("a")).header("idempotency-key", "k-1");
    assert_eq!(call.send(&sample.app).await.problem(), "missing-token");
    // That is the first thing that is said, before anything about the key.
    let call = post(THINGS, &body("a")).header("idempotency-key", "");
    assert_eq!(call.send(&sample.app).await.problem(), "missing-token");
    let dynamo = sample.gate.dynamo().aws().dynamo();
    let items = dynamo.scan().table_name(store::testing::REQUESTS).send().await.unwrap();
    assert_eq!(items.count(), 0);
}
