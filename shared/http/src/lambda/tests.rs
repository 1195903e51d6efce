#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use axum::extract::Request;
use axum::routing::any;
use serde_json::{Value, json};

use super::*;
use crate::testing::invoke;

/// Says what arrived: method, path and query, the values of header `x-a`, the body.
async fn mirror(request: Request) -> crate::Json<Value> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let values: Vec<_> = parts.headers.get_all("x-a").iter().map(|value| value.to_str().unwrap()).collect();
    let id = parts.extensions.get::<RequestId>().unwrap().0.clone();
    crate::Json(json!([parts.method.as_str(), parts.uri.to_string(), values, String::from_utf8_lossy(&body), id]))
}

/// What API Gateway makes of the event: the context always repeats the method.
fn as_sent(mut event: Value) -> Value {
    event["requestContext"]["httpMethod"] = event["httpMethod"].clone();
    event
}

async fn mirrored(event: Value) -> Value {
    let answer = invoke(&Router::new().route("/{*path}", any(mirror)), as_sent(event)).await;
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn what_api_gateway_sends_arrives_whole() {
    let mut arrived = mirrored(json!({
        "httpMethod": "POST",
        "path": "/order-history/events",
        "headers": {"X-A": "2", "content-type": "application/json"},
        "multiValueHeaders": {"X-A": ["1", "2"], "content-type": ["application/json"]},
        "queryStringParameters": {"from": "2025-08-29T12:00:00+02:00"},
        "multiValueQueryStringParameters": {"from": ["2025-08-29T12:00:00+02:00"], "type": ["a", "b&c"]},
        "body": "{}",
        "isBase64Encoded": false,
        "requestContext": {"requestId": "gateway-id", "stage": "v1"},
    }))
    .await;
    let uri = arrived[1].take();
    let (path, query) = uri.as_str().unwrap().split_once('?').unwrap();
    // The event is a map of parameters, so their order is lost; that of one parameter's values is not.
    let mut query: Vec<_> = query.split('&').collect();
    query.sort_by_key(|pair| pair.split_once('=').unwrap().0);
    assert_eq!(path, "/order-history/events");
    assert_eq!(query, ["from=2025-08-29T12%3A00%3A00%2B02%3A00", "type=a", "type=b%26c"]);
    assert_eq!(arrived, json!(["POST", null, ["1", "2"], "{}", "gateway-id"]));
}

#[tokio::test]
async fn a_hand_written_event_may_be_short() {
    let event = json!({
        "httpMethod": "GET", "path": "/order-history/health", "headers": {"x-a": "1"}, "requestContext": {},
    });
    assert_eq!(mirrored(event).await, json!(["GET", "/order-history/health", ["1"], "", "lambda-request"]));
    let nulls = json!({
        "httpMethod": "GET", "path": "/order-history/health", "headers": null, "multiValueHeaders": null,
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "body": null, "requestContext": {},
    });
    assert_eq!(mirrored(nulls).await[1], "/order-history/health");
}

#[tokio::test]
async fn binary_bodies_are_decoded() {
    let event = json!({
        "httpMethod": "POST", "path": "/order-history/x", "body": "e30=", "isBase64Encoded": true, "requestContext": {},
    });
    assert_eq!(mirrored(event).await[3], "{}");
}

#[tokio::test]
async fn no_host_or_protocol_of_a_caller_matters() {
    for (name, value) in [("Host", "a b:c"), ("X-Forwarded-Proto", "::"), ("Host", "[")] {
        let event = json!({
            "httpMethod": "GET", "path": "/v1/order-history/health", "headers": {name: value},
            "multiValueHeaders": {name: [value]}, "requestContext": {"stage": "v1", "domainName": "x"},
        });
        assert_eq!(mirrored(event).await[1], "/order-history/health", "{name}: {value}");
    }
}

#[tokio::test]
async fn the_path_starts_at_the_base_path() {
    for (path, uri) in [
        ("/order-history/events", "/order-history/events"),
        ("/v1/order-history/events", "/order-history/events"),
        ("/order-history", "/order-history"),
        ("/order-history/events/order-history", "/order-history/events/order-history"),
        ("/order-historyx/events", "/order-historyx/events"),
        ("/order-history/events/a%20b é", "/order-history/events/a%20b%20%C3%A9"),
        ("/order-history/events/a?b#c", "/order-history/events/a%3Fb%23c"),
        ("/order-history/events/a\0", "/order-history/events/a%00"),
        ("/order-history/events/a\nb\\c", "/order-history/events/a%0Ab%5Cc"),
        ("events", "/events"),
    ] {
        let event = json!({"httpMethod": "GET", "path": path, "requestContext": {"stage": "v1"}});
        assert_eq!(mirrored(event).await[1], uri, "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_lambda_cannot_return_is_a_problem() {
    assert_eq!(size_as_json("a\"\n\u{1}é".as_bytes()), serde_json::to_string("a\"\n\u{1}é").unwrap().len() - 2);
    let app = Router::new().route("/order-history/x", any(async || "\"".repeat(MAX_ANSWER_BYTES / 2 + 1)));
    let event = as_sent(json!({"httpMethod": "GET", "path": "/order-history/x", "requestContext": {}}));
    let answer = invoke(&app, event).await;
    assert_eq!(answer["statusCode"], 500);
}

/// Base64 of four thirds, which API Gateway turns back; text stays text.
#[tokio::test]
async fn bytes_are_handed_over_as_base64_and_text_as_it_is() {
    let call = |app: Router| async move {
        let event = json!({"httpMethod": "GET", "path": "/order-history/x", "requestContext": {}});
        invoke(&app, as_sent(event)).await
    };
    let bytes =
        call(Router::new().route("/order-history/x", any(async || crate::Document::bytes(vec![0, 255, 7])))).await;
    assert_eq!((&bytes["body"], &bytes["isBase64Encoded"]), (&"AP8H".into(), &true.into()));
    assert_eq!(bytes["multiValueHeaders"]["content-type"], json!(["application/octet-stream"]));
    let text = call(Router::new().route("/order-history/x", any(async || crate::Document::text("— a\n")))).await;
    assert_eq!((&text["body"], &text["isBase64Encoded"]), (&"— a\n".into(), &false.into()));
    assert_eq!(text["multiValueHeaders"]["content-type"], json!(["text/plain; charset=utf-8"]));

    let large =
        |length| Router::new().route("/order-history/x", any(async move || crate::Document::bytes(vec![0; length])));
    let most = MAX_ANSWER_BYTES / 4 * 3;
    assert_eq!(call(large(most)).await["statusCode"], 200);
    assert_eq!(call(large(most + 3)).await["statusCode"], 500);
}
