//! The handlers, over an embedded DynamoDB.

use axum::Router;
use http_api::testing::{TestGate, get, post, post_text};
use serde_json::{Value, json};
use store::{Schemas, testing::SCHEMAS};

use crate::{SchemasApi, router};

const URL: &str = "/order-history/schemas";

async fn start() -> (TestGate, Router) {
    let gate = TestGate::start().await;
    let api = SchemasApi { schemas: Schemas::new(gate.dynamo().aws(), SCHEMAS), gate: gate.gate() };
    let app = http_api::app(router(), api);
    (gate, app)
}

fn body(version: &str, schema: Value) -> Value {
    json!({"type": "order.created", "version": version, "schema": schema})
}

fn payload(amount: &str) -> Value {
    json!({"type": "object", "properties": {"amount": {"type": amount}}, "required": ["amount"]})
}

#[tokio::test]
async fn a_schema_is_registered_once_and_read_back() {
    let (gate, app) = start().await;
    let admin = gate.token("acme", &["admin"]);
    let v1 = body("v1", payload("integer"));

    let created = post(URL, &v1).token(&admin).send(&app).await;
    assert_eq!(created.status, 201, "{:?}", created.json);
    assert_eq!(created.json["schema"], v1["schema"]);
    let expected = json!({
        "type": "order.created", "version": "v1", "revision": 1, "on_mismatch": "reject", "compatibility": "backward",
        "created_by": "user-1", "created_at": "2025-08-29T12:00:00Z",
    });
    for (name, value) in expected.as_object().into_iter().flatten() {
        assert_eq!(&created.json[name], value, "{name}");
    }
    gate.advance(60);
    let again = post(URL, &v1).token(&admin).send(&app).await;
    assert_eq!((again.status.as_u16(), &again.json), (200, &created.json));
    let other = post(URL, &body("v1", payload("number"))).token(&admin).send(&app).await;
    assert_eq!((other.status.as_u16(), other.problem()), (409, "schema-exists"));

    let reader = gate.token("acme", &["producer"]);
    let path = format!("{URL}/order.created/v1");
    let read = get(&path).token(&reader).send(&app).await;
    assert_eq!((read.status.as_u16(), &read.json), (200, &created.json));
    let unchanged = get(&path).token(&reader).header("if-none-match", read.header("etag")).send(&app).await;
    assert_eq!(unchanged.status, 304);
    for missing in ["order.created/v2", "order.paid/v1"] {
        let answer = get(&format!("{URL}/{missing}")).token(&reader).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (404, "not-found"), "{missing}");
    }
    let rival = get(&path).token(&gate.token("rival", &["admin"])).send(&app).await;
    assert_eq!((rival.status.as_u16(), rival.problem()), (404, "not-found"));
}

#[tokio::test]
async fn a_version_says_how_its_events_are_folded() {
    let (gate, app) = start().await;
    let admin = gate.token("acme", &["admin"]);
    let with = |version: &str, fold: Value| {
        let mut body = body(version, payload("integer"));
        body["fold"] = fold;
        body
    };
    let rule = json!({"rule": "append", "at": "/payments"});
    let created = post(URL, &with("v1", rule.clone())).token(&admin).send(&app).await;
    assert_eq!((created.status.as_u16(), &created.json["fold"]), (201, &rule));
    let read = get(&format!("{URL}/order.created/v1")).token(&admin).send(&app).await;
    assert_eq!(read.json["fold"], rule);
    assert_eq!(post(URL, &with("v1", rule.clone())).token(&admin).send(&app).await.status, 200);
    for other in [json!("merge"), json!("ignore"), json!({"rule": "append", "at": "/payment"})] {
        let refused = post(URL, &with("v1", other)).token(&admin).send(&app).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "schema-exists"));
    }
    // The usual rule is the same, said or not said.
    assert_eq!(post(URL, &with("v2", json!("merge"))).token(&admin).send(&app).await.json["fold"], "merge");
    assert_eq!(post(URL, &body("v2", payload("integer"))).token(&admin).send(&app).await.status, 200);
    let listed = get(URL).token(&admin).send(&app).await;
    let rules: Vec<_> = listed.json["items"].as_array().into_iter().flatten().map(|item| &item["fold"]).collect();
    assert_eq!(rules, [&rule, &json!("merge")]);
}

#[tokio::test]
async fn a_version_must_be_compatible_with_the_one_before() {
    let (gate, app) = start().await;
    let admin = gate.token("acme", &["admin"]);
    let register = async |body: Value| post(URL, &body).token(&admin).send(&app).await;
    let with = |mut body: Value, mode: &str| {
        body["compatibility"] = json!(mode);
        body
    };
    assert_eq!(register(body("v1", payload("integer"))).await.status, 201);
    assert_eq!(register(body("v2", payload("number"))).await.status, 201);

    // Compared with v2, not with v1.
    let back = register(body("v3", payload("integer"))).await;
    assert_eq!((back.status.as_u16(), back.problem()), (409, "schema-incompatible"), "{:?}", back.json);
    assert_eq!(back.json["errors"][0]["pointer"], "/schema/properties/amount/type");
    assert!(back.json["detail"].as_str().is_some_and(|detail| detail.contains("version v2")));
    // What was refused is not there, nor in the way.
    assert_eq!(register(with(body("v3", payload("integer")), "forward")).await.status, 201);

    let wider = register(with(body("v4", payload("number")), "full")).await;
    assert_eq!(wider.problem(), "schema-incompatible");
    assert_eq!(wider.json["errors"][0]["pointer"], "/schema");
    let detail = wider.json["errors"][0]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("/properties/amount/type of version v3"), "{detail}");
    assert_eq!(register(with(body("v4", payload("string")), "none")).await.status, 201);
    // Registering an early version again is no new comparison.
    assert_eq!(register(body("v1", payload("integer"))).await.status, 200);
}

#[tokio::test]
async fn what_is_not_a_usable_schema_is_refused_with_pointers() {
    let (gate, app) = start().await;
    let admin = gate.token("acme", &["admin"]);
    for (schema, pointer) in [
        (json!({"type": "objekt"}), "/schema/type"),
        (json!(7), "/schema"),
        (json!({"$ref": "https://example.com/s"}), "/schema/$ref"),
        (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), "/schema/$schema"),
        (json!({"properties": {"a": {"pattern": "(a)\\1"}}}), "/schema/properties/a/pattern"),
        (json!({"description": "x".repeat(70_000)}), "/schema"),
    ] {
        let answer = post(URL, &body("v1", schema)).token(&admin).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "schema-invalid"), "{:?}", answer.json);
        assert_eq!(answer.json["errors"][0]["pointer"], pointer);
    }
    for (body, pointer) in [
        (json!({"type": "Order", "version": "v1", "schema": {}}), "/type"),
        (json!({"type": "order", "version": "a b", "schema": {}}), "/version"),
        (json!({"type": "order", "version": "v1", "schema": {}, "on_mismatch": "ignore"}), "/on_mismatch"),
        (json!({"type": "order", "version": "v1", "schema": {}, "extra": 1}), "/extra"),
        (json!({"type": "order", "version": "v1", "schema": {}, "fold": "append"}), "/fold"),
        (json!({"type": "order", "version": "v1", "schema": {}, "fold": {"rule": "merge", "at": "a"}}), "/fold"),
        (json!({"type": "order", "version": "v1"}), ""),
    ] {
        let answer = post(URL, &body).token(&admin).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid-body"), "{body}");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{body}");
    }
    let twice = post_text(URL, r#"{"type":"order","type":"order"}"#).token(&admin).send(&app).await;
    assert_eq!((twice.status.as_u16(), twice.problem()), (400, "duplicate-key"));
    assert_eq!(get(URL).token(&admin).send(&app).await.json["items"], json!([]));
}

#[tokio::test]
async fn schemas_are_listed_in_pages_without_their_content() {
    let (gate, app) = start().await;
    let admin = gate.token("acme", &["admin"]);
    for (event_type, version) in [("order.paid", "v1"), ("order.created", "v2"), ("order.created", "v1")] {
        let body = json!({"type": event_type, "version": version, "schema": {}, "on_mismatch": "tag"});
        assert_eq!(post(URL, &body).token(&admin).send(&app).await.status, 201);
    }
    let reader = gate.token("acme", &["history_reader"]);
    let first = get(&format!("{URL}?limit=2")).token(&reader).send(&app).await;
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().into_iter().flatten();
        items
            .map(|item| format!("{} {} {}", item["type"], item["version"], item["revision"]).replace('"', ""))
            .collect()
    };
    assert_eq!(names(&first.json), ["order.created v1 2", "order.created v2 1"]);
    assert!(first.json["items"][0].get("schema").is_none());
    assert_eq!(first.json["items"][0]["on_mismatch"], "tag");
    let cursor = first.json["next_cursor"].as_str().unwrap_or_default();
    let second = get(&format!("{URL}?limit=2&cursor={cursor}")).token(&reader).send(&app).await;
    assert_eq!(names(&second.json), ["order.paid v1 1"]);
    let one_type = get(&format!("{URL}?type=order.created")).token(&reader).send(&app).await;
    assert_eq!(names(&one_type.json).len(), 2);
    let foreign = format!("{URL}?limit=2&cursor={cursor}");
    let foreign = get(&foreign).token(&gate.token("rival", &["admin"])).send(&app).await;
    assert_eq!((foreign.status.as_u16(), foreign.problem()), (400, "invalid-cursor"));
    for bad in ["limit=0", "limit=-1", "limit=10000000", "type=Order", "version=v1"] {
        let answer = get(&format!("{URL}?{bad}")).token(&reader).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-parameter"), "{bad}");
    }
}

#[tokio::test]
async fn only_an_admin_registers_and_nobody_enters_without_a_role() {
    let (gate, app) = start().await;
    let body = body("v1", json!({}));
    for roles in [&["producer"][..], &["history_reader"], &["auditor"], &[]] {
        let answer = post(URL, &body).token(&gate.token("acme", roles)).send(&app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (403, "role-required"), "{roles:?}");
    }
    for url in [URL.to_owned(), format!("{URL}/order.created/v1")] {
        let nobody = get(&url).token(&gate.token("acme", &[])).send(&app).await;
        assert_eq!((nobody.status.as_u16(), nobody.problem()), (403, "role-required"));
        for (what, token) in gate.refused_tokens("acme", &["admin"]) {
            assert_eq!(get(&url).token(&token).send(&app).await.status, 401, "{what}");
        }
    }
}
