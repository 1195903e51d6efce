//! Bodies, and what is wrong with them.

use axum::body::Body;
use http::Method;
use http_api::MAX_BODY_BYTES;
use http_api::testing::{Call, post, post_text};
use serde_json::json;

use crate::sample::{Sample, THINGS};

const GOOD: &str = r#"{"name":"a","count":1}"#;

#[tokio::test]
async fn each_unreadable_body_has_its_problem() {
    let sample = Sample::start().await;
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let large = format!(r#"{{"name":"{}","count":1}}"#, "x".repeat(MAX_BODY_BYTES));
    for (body, status, problem) in [
        ("", 400, "missing-body"),
        (" \n", 400, "missing-body"),
        ("{", 400, "malformed-json"),
        (r#"{"name":"a","count":1} x"#, 400, "malformed-json"),
        (r#"{"name":"a","name":"b","count":1}"#, 400, "duplicate-key"),
        (r#"{"name":"a","count":9007199254740992}"#, 400, "number-out-of-range"),
        (deep.as_str(), 400, "too-deep"),
        (large.as_str(), 413, "body-too-large"),
        (r#"{"name":"a"}"#, 422, "invalid-body"),
        (r#"{"name":7,"count":1}"#, 422, "invalid-body"),
        (r#"{"name":"a","count":1,"secret":true}"#, 422, "invalid-body"),
        ("[]", 422, "invalid-body"),
    ] {
        let answer = post_text(THINGS, body).token(&sample.producer()).send(&sample.app).await;
        let shown = &body[..body.len().min(60)];
        assert_eq!((answer.status.as_u16(), answer.problem()), (status, problem), "{shown}");
    }
    assert_eq!(sample.made(), 0);
}

#[tokio::test]
async fn a_wrong_form_is_named_with_its_place_and_without_its_value() {
    let sample = Sample::start().await;
    let body = json!({"name": "a", "count": "SECRET"});
    let answer = post(THINGS, &body).token(&sample.producer()).send(&sample.app).await;
    assert_eq!(answer.json["errors"], json!([{"pointer": "/count", "detail": "expected u32"}]));
    let body = json!({"name": "a"});
    let answer = post(THINGS, &body).token(&sample.producer()).send(&sample.app).await;
    assert_eq!(answer.json["errors"][0]["detail"], "missing field `count`");
}

#[tokio::test]
async fn a_body_is_said_to_be_json() {
    let sample = Sample::start().await;
    let send = async |content_type: Option<&str>| {
        let mut call = Call::new(Method::POST, THINGS, Body::from(GOOD)).token(&sample.producer());
        if let Some(value) = content_type {
            call = call.header("content-type", value);
        }
        call.send(&sample.app).await
    };
    for good in ["application/json", "Application/JSON; charset=UTF-8", r#"application/json;charset="utf-8""#] {
        assert_eq!(send(Some(good)).await.status, 201, "{good}");
    }
    for bad in [
        None,
        Some("text/plain"),
        Some("application/json; charset=latin1"),
        Some("application/json; profile=x"),
        Some("application/x-ndjson"),
        Some("application/jsonp"),
    ] {
        let answer = send(bad).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (415, "unsupported-media-type"), "{bad:?}");
    }
    let twice = post_text(THINGS, GOOD).header("content-type", "application/json").token(&sample.producer());
    assert_eq!(twice.send(&sample.app).await.problem(), "unsupported-media-type");
    let gzip = post_text(THINGS, GOOD).header("content-encoding", "gzip").token(&sample.producer());
    assert_eq!(gzip.send(&sample.app).await.problem(), "unsupported-media-type");
}

#[tokio::test]
async fn who_may_not_write_is_not_read() {
    let sample = Sample::start().await;
    let answer = post_text(THINGS, "{").token(&sample.reader()).send(&sample.app).await;
    assert_eq!(answer.problem(), "role-required");
    assert_eq!(post_text(THINGS, "{").send(&sample.app).await.problem(), "missing-token");
    let answer = post_text("/order-history/echo", "[ 1 ]").token(&sample.producer()).send(&sample.app).await;
    assert_eq!(answer.json, json!(5));
}
