//! The access log: what leaves a record, what is in it, and that no answer leaves without it.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request};
use http_api::openapi::document;
use http_api::testing::{Call, NOW, get, invoke, post};
use serde_json::json;
use store::access::{Access, Trace};
use store::testing::ACCESS;
use tower::ServiceExt as _;

use crate::sample::{Sample, THINGS};

async fn routes_recorded(sample: &Sample) -> Vec<String> {
    sample.gate.accesses("acme").await.into_iter().map(|access| access.trace.route).collect()
}

#[tokio::test]
async fn a_record_says_who_read_what_when_from_where_and_why() {
    let sample = Sample::start().await;
    let first = get(&format!("{THINGS}?limit=2")).token(&sample.reader()).send(&sample.app).await;
    let cursor = first.json["next_cursor"].as_str().unwrap();
    sample.gate.advance(1);
    let token = sample.gate.token("acme", &["auditor", "history_reader", "nobody"]);
    let event = json!({
        "httpMethod": "GET",
        "path": "/order-history/things",
        "multiValueHeaders": {
            "Authorization": [format!("Bearer {token}")],
            "User-Agent": ["support-desk/4.2"],
            "X-Purpose": ["dispute 4711: never delivered"],
            // Anyone can write this one.
            "X-Forwarded-For": ["192.0.2.1, 198.51.100.7"],
        },
        "multiValueQueryStringParameters": {"limit": ["2"], "cursor": [cursor]},
        "requestContext": {
            "requestId": "4538a968-ba1a", "httpMethod": "GET",
            "identity": {"sourceIp": "198.51.100.7", "userAgent": "support-desk/4.2"},
        },
    });
    assert_eq!(invoke(&sample.app, event).await["statusCode"], 200);

    let recorded = sample.gate.accesses("acme").await;
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    assert_eq!(recorded[0].trace.source_ip, None, "there was no gateway");
    assert_eq!(
        recorded[1],
        Access {
            at: domain::time::Timestamp::clamped_from_millis((NOW + 1) * 1000),
            request_id: "4538a968-ba1a".to_owned(),
            trace: Trace {
                subject: "user-1".to_owned(),
                roles: vec!["history_reader".to_owned(), "auditor".to_owned()],
                route: "GET /order-history/things".to_owned(),
                path: [].into(),
                query: "limit=2".to_owned(),
                source_ip: Some("198.51.100.7".to_owned()),
                user_agent: Some("support-desk/4.2".to_owned()),
                purpose: Some("dispute 4711: never delivered".to_owned()),
            },
        }
    );

    get("/order-history/documents/a/b.txt?x=%C3%A9&y").token(&sample.reader()).send(&sample.app).await;
    let trace = sample.gate.accesses("acme").await.pop().unwrap().trace;
    assert_eq!(trace.route, "GET /order-history/documents/{path}");
    assert_eq!(trace.path, [("path".to_owned(), "a/b.txt".to_owned())].into());
    assert_eq!(trace.query, "x=%C3%A9&y=");
}

#[tokio::test]
async fn whoever_is_let_in_is_recorded_once_whatever_is_answered() {
    let sample = Sample::start().await;
    let token = sample.reader();
    let thing = format!("{THINGS}/t-1");
    let read = get(&thing).token(&token).send(&sample.app).await;
    for (uri, status) in [(format!("{THINGS}/a%00b"), 400), (format!("{THINGS}?limit=0"), 400)] {
        assert_eq!(get(&uri).token(&token).send(&sample.app).await.status, status);
    }
    let again = get(&thing).token(&token).header("if-none-match", read.header("etag")).send(&sample.app).await;
    assert_eq!(again.status, 304);
    assert_eq!(Call::new(Method::HEAD, &thing, Body::empty()).token(&token).send(&sample.app).await.status, 200);
    let (one, list) = ("GET /order-history/things/{thing_id}", "GET /order-history/things");
    assert_eq!(routes_recorded(&sample).await, [one, one, list, one, "HEAD /order-history/things/{thing_id}"]);
    // An admin's reads are no exception.
    get("/order-history/admin").token(&sample.gate.token("acme", &["admin"])).send(&sample.app).await;
    assert_eq!(routes_recorded(&sample).await.last().unwrap(), "GET /order-history/admin");
}

#[tokio::test]
async fn nothing_else_is_recorded() {
    let sample = Sample::start().await;
    let admin = sample.gate.token("acme", &["admin"]);
    // Not let in.
    assert_eq!(get(THINGS).send(&sample.app).await.status, 401);
    assert_eq!(get(THINGS).token(&sample.producer()).send(&sample.app).await.status, 403);
    assert_eq!(get(THINGS).token(&admin).header("x-tenant-id", "globex").send(&sample.app).await.status, 403);
    // No history.
    for path in ["any", "ledger"] {
        assert_eq!(get(&format!("/order-history/{path}")).token(&admin).send(&sample.app).await.status, 200);
    }
    // No reads: the second is answered with the first one's answer.
    for _ in 0..2 {
        let make = post(THINGS, &json!({"name": "a", "count": 1})).token(&admin).header("idempotency-key", "k");
        assert_eq!(make.send(&sample.app).await.status, 201);
    }
    assert_eq!(routes_recorded(&sample).await, [] as [&str; 0]);
    assert_eq!(sample.gate.accesses("globex").await, []);
}

#[tokio::test]
async fn the_record_is_written_while_the_handler_works() {
    let sample = Sample::start().await;
    let call = get("/order-history/waits").token(&sample.gate.token("acme", &["auditor"]));
    let answer = tokio::time::timeout(Duration::from_secs(10), call.send(&sample.app)).await;
    assert_eq!(answer.unwrap().json, 1, "the handler waits for a record that is written only after it");
}

#[tokio::test]
async fn what_is_answered_little_by_little_is_recorded_before_it_begins() {
    let sample = Sample::start().await;
    let request = Request::get("/order-history/endless").header("authorization", format!("Bearer {}", sample.reader()));
    let response = sample.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(routes_recorded(&sample).await, ["GET /order-history/endless"]);
}

#[tokio::test]
async fn no_read_without_its_record() {
    let sample = Sample::start().await;
    sample.gate.dynamo().aws().dynamo().delete_table().table_name(ACCESS).send().await.unwrap();
    let admin = sample.gate.token("acme", &["admin"]);
    for path in ["things", "things/t-1", "things?limit=0", "documents/a/b.bin", "endless"] {
        let answer = get(&format!("/order-history/{path}")).token(&admin).send(&sample.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (503, "unavailable"), "{path}");
        assert_eq!((answer.header("retry-after"), answer.header("etag")), ("2", ""), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    // What shows no history needs no record, and neither does who is not let in.
    for (path, token, status) in [("any", &admin, 200), ("things", &sample.producer(), 403)] {
        assert_eq!(get(&format!("/order-history/{path}")).token(token).send(&sample.app).await.status, status);
    }
}

#[tokio::test]
async fn a_purpose_is_short_and_printable() {
    let sample = Sample::start().await;
    let call = || get(THINGS).token(&sample.reader());
    let long = "x".repeat(201);
    for purpose in ["", &long, "a\tb", "é"] {
        let answer = call().header("x-purpose", purpose).send(&sample.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-header"), "{purpose}");
        assert_eq!(answer.json["errors"][0]["header"], "X-Purpose");
    }
    let twice = call().header("x-purpose", "a").header("x-purpose", "b").send(&sample.app).await;
    assert_eq!(twice.problem(), "invalid-header");
    assert_eq!(routes_recorded(&sample).await, [] as [&str; 0]);

    let most = "~ !".repeat(66) + "xy";
    assert_eq!(call().header("x-purpose", &most).send(&sample.app).await.status, 200);
    assert_eq!(sample.gate.accesses("acme").await[0].trace.purpose, Some(most));
}

#[test]
fn every_read_with_a_token_takes_a_purpose_and_every_post_a_key() {
    use utoipa::openapi::{HttpMethod, PathItem, SecurityRequirement, path::OperationBuilder};
    let operation = |method, security: Option<[SecurityRequirement; 0]>| {
        PathItem::new(method, OperationBuilder::new().securities(security).build())
    };
    let mut part = utoipa::openapi::OpenApi::default();
    let paths = &mut part.paths.paths;
    paths.insert("/read".to_owned(), operation(HttpMethod::Get, None));
    paths.insert("/health".to_owned(), operation(HttpMethod::Get, Some([])));
    paths.insert("/write".to_owned(), operation(HttpMethod::Post, None));
    let document = serde_json::to_value(document([part])).unwrap();
    let headers = |path: &str, method: &str| {
        let parameters = document["paths"][path][method]["parameters"].as_array().cloned().unwrap_or_default();
        let header = |parameter: &serde_json::Value| {
            assert_eq!((&parameter["in"], &parameter["required"]), (&json!("header"), &json!(false)));
            (parameter["name"].as_str().unwrap().to_owned(), parameter["schema"]["maxLength"].as_u64().unwrap())
        };
        parameters.iter().map(header).collect::<Vec<_>>()
    };
    assert_eq!(headers("/read", "get"), [("X-Purpose".to_owned(), 200)]);
    assert_eq!(headers("/write", "post"), [("Idempotency-Key".to_owned(), 255)]);
    assert_eq!(headers("/health", "get"), []);
}
