//! Answers that no handler makes: unknown paths and methods, panics, tags, and what every answer carries.

use axum::body::Body;
use http::Method;
use http_api::openapi::document;
use http_api::testing::{Call, get};

use crate::sample::{Sample, THINGS};

#[tokio::test]
async fn an_unknown_path_or_method_is_a_problem() {
    let sample = Sample::start().await;
    let answer = get("/order-history/nothing").token(&sample.reader()).send(&sample.app).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (404, "not-found"));
    let answer = Call::new(Method::DELETE, THINGS, Body::empty()).send(&sample.app).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (405, "method-not-allowed"));
    let allowed = answer.header("allow");
    assert!(allowed.contains("GET") && allowed.contains("POST") && !allowed.contains("DELETE"), "{allowed}");
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let sample = Sample::start().await;
    let answer = get("/order-history/panics").send(&sample.app).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (500, "internal"));
    assert!(!answer.json.to_string().contains("secret"));
}

#[tokio::test]
async fn every_answer_names_its_request_and_is_not_stored() {
    let sample = Sample::start().await;
    let answer = get("/order-history/nothing").send(&sample.app).await;
    assert!(!answer.header("x-request-id").is_empty());
    assert_eq!(answer.json["request_id"], answer.header("x-request-id"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let chosen = get("/order-history/nothing").header("x-request-id", "mine").send(&sample.app).await;
    assert_ne!(chosen.header("x-request-id"), "mine", "a client does not choose what our log says");
}

#[tokio::test]
async fn a_client_that_has_the_answer_is_told_so() {
    let sample = Sample::start().await;
    let call = || get(&format!("{THINGS}/t-1")).token(&sample.reader());
    let first = call().send(&sample.app).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(first.header("vary"), "authorization, x-tenant-id");

    for known in [tag.clone(), format!("W/{tag}"), format!(r#""other", {tag}"#), "*".to_owned()] {
        let again = call().header("if-none-match", &known).send(&sample.app).await;
        assert_eq!((again.status.as_u16(), &again.json), (304, &serde_json::Value::Null), "{known}");
        assert_eq!(again.header("etag"), tag);
    }
    let other = call().header("if-none-match", r#""other""#).send(&sample.app).await;
    assert_eq!(other.status, 200);
    let list = get(THINGS).token(&sample.reader()).send(&sample.app).await;
    assert!(!list.header("etag").is_empty(), "a page has a tag as well");
    let problem = get(&format!("{THINGS}/t-1")).header("if-none-match", "*").send(&sample.app).await;
    assert_eq!((problem.status.as_u16(), problem.header("etag")), (401, ""));
}

#[test]
fn the_document_has_what_all_parts_share() {
    let json = serde_json::to_value(document([])).unwrap();
    assert_eq!(json["openapi"], "3.1.0");
    assert_eq!(json["servers"][0]["url"], "/v1");
    assert_eq!(json["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    assert_eq!(json["security"], serde_json::json!([{"bearer": []}]));
    assert!(json["components"]["schemas"]["Problem"]["properties"]["request_id"].is_object());
}

#[tokio::test]
async fn what_is_not_json_has_its_type_and_a_tag() {
    let sample = Sample::start().await;
    let call = |path: &str| get(&format!("/order-history/documents/{path}")).token(&sample.reader());
    let text = call("a/b.txt").send(&sample.app).await;
    assert_eq!((text.status.as_u16(), text.text()), (200, "é"));
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(text.header("content-disposition"), r#"attachment; filename="a_b____.txt""#);
    assert_eq!(text.header("cache-control"), "private, no-cache");
    let again = call("a/b.txt").header("if-none-match", text.header("etag")).send(&sample.app).await;
    assert_eq!((again.status.as_u16(), &again.bytes[..]), (304, &[][..]));

    let bytes = call("a/b.bin").send(&sample.app).await;
    assert_eq!((bytes.status.as_u16(), &bytes.bytes[..]), (200, &[0xff, 0][..]));
    assert_eq!(bytes.header("cache-control"), "private, max-age=31536000, immutable");
    assert_eq!(bytes.header("vary"), "authorization, x-tenant-id");
    assert_eq!(call("a/b.bin").header("if-none-match", bytes.header("etag")).send(&sample.app).await.status, 304);

    let moved = call("a/c").send(&sample.app).await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (303, "https://elsewhere.test/x?sig=1"));
    assert_eq!((moved.header("etag"), moved.header("cache-control")), ("", "no-store"));
}

/// OpenAPI has no name for "the rest of the path".
#[test]
fn a_path_that_takes_the_rest_is_described_by_its_name() {
    let mut part = utoipa::openapi::OpenApi::default();
    part.paths.paths.insert("/order-history/documents/{*path}".to_owned(), utoipa::openapi::PathItem::default());
    let json = serde_json::to_value(document([part])).unwrap();
    assert!(json["paths"]["/order-history/documents/{path}"].is_object(), "{}", json["paths"]);
}

#[test]
fn an_id_in_a_path_is_described_by_what_it_must_look_like() {
    use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
    let parameter = |name: &str, place| ParameterBuilder::new().name(name).parameter_in(place).build();
    let operation = OperationBuilder::new()
        .parameter(parameter("order_id", ParameterIn::Path))
        .parameter(parameter("order_id", ParameterIn::Query))
        .parameter(parameter("path", ParameterIn::Path))
        .build();
    let mut part = utoipa::openapi::OpenApi::default();
    let path = "/order-history/orders/{order_id}/{path}".to_owned();
    part.paths
        .paths
        .insert(path.clone(), utoipa::openapi::PathItem::new(utoipa::openapi::HttpMethod::Delete, operation));
    let json = serde_json::to_value(document([part])).unwrap();
    let parameters = json["paths"][&path]["delete"]["parameters"].as_array().unwrap();
    assert_eq!(
        (&parameters[0]["schema"]["maxLength"], &parameters[0]["schema"]["minLength"]),
        (&128.into(), &1.into())
    );
    let pattern = parameters[0]["schema"]["pattern"].as_str().unwrap();
    assert!(pattern.contains("A-Za-z0-9._:@~+-"), "{pattern}");
    assert_eq!((parameters[1].get("schema"), parameters[2].get("schema")), (None, None));
}
