//! Tokens, tenants, roles.

use http_api::testing::get;
use serde_json::json;

use crate::sample::{Sample, THINGS};

#[tokio::test]
async fn without_a_token_there_is_no_answer() {
    let sample = Sample::start().await;
    let call = || get(THINGS);
    for call in
        [call(), call().header("authorization", "Basic dXNlcjpwYXNz"), call().header("authorization", "Bearer ")]
    {
        let answer = call.send(&sample.app).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (401, "missing-token"));
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="order-history""#);
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_trusted_is_refused() {
    let sample = Sample::start().await;
    for (what, token) in sample.gate.refused_tokens("acme", &["admin"]) {
        let answer = get(THINGS).token(&token).send(&sample.app).await;
        let expected = if what == "expired" { "expired-token" } else { "invalid-token" };
        assert_eq!((answer.status.as_u16(), answer.problem()), (401, expected), "{what}");
        assert!(answer.header("www-authenticate").contains(r#"error="invalid_token""#), "{what}");
        assert!(!answer.json.to_string().contains(&token), "{what}: the token comes back");
    }
}

#[tokio::test]
async fn a_token_ends_with_its_time_give_or_take_half_a_minute() {
    let sample = Sample::start().await;
    let token = sample.reader();
    let status = async || get(THINGS).token(&token).send(&sample.app).await.status.as_u16();
    assert_eq!(status().await, 200);
    sample.gate.advance(3600 + 29);
    assert_eq!(status().await, 200);
    sample.gate.advance(2);
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn authorization_is_sent_once() {
    let sample = Sample::start().await;
    let answer = get(THINGS).token(&sample.reader()).token("another").send(&sample.app).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-header"));
    assert_eq!(answer.json["errors"][0]["header"], "Authorization");
}

#[tokio::test]
async fn the_tenant_is_one_of_the_tokens() {
    let sample = Sample::start().await;
    let token_for = |tenants: serde_json::Value| {
        let mut claims = sample.gate.claims("acme", &["history_reader"]);
        claims["tenants"] = tenants;
        sample.gate.sign(&claims)
    };
    let ask = async |tenants: serde_json::Value, header: Option<&str>| {
        let mut call = get("/order-history/things/t-1").token(&token_for(tenants));
        if let Some(tenant) = header {
            call = call.header("x-tenant-id", tenant);
        }
        let answer = call.send(&sample.app).await;
        (answer.status.as_u16(), answer.problem().to_owned(), answer.json[0].as_str().unwrap_or_default().to_owned())
    };
    let ok = |tenant: &str| (200, String::new(), tenant.to_owned());
    let no = |status: u16, problem: &str| (status, problem.to_owned(), String::new());

    assert_eq!(ask(json!(["acme"]), None).await, ok("acme"));
    assert_eq!(ask(json!("acme"), None).await, ok("acme"));
    assert_eq!(ask(json!(["acme", "globex"]), Some("globex")).await, ok("globex"));
    assert_eq!(ask(json!(["acme", "globex"]), None).await, no(400, "tenant-required"));
    assert_eq!(ask(json!(["acme"]), Some("globex")).await, no(403, "tenant-forbidden"));
    assert_eq!(ask(json!([]), Some("acme")).await, no(403, "tenant-forbidden"));
    assert_eq!(ask(json!(["ACME!", 7]), Some("acme")).await, no(403, "tenant-forbidden"));
    assert_eq!(ask(json!(["acme"]), Some("ACME!")).await, no(400, "invalid-header"));
    assert_eq!(ask(json!({"acme": true}), Some("acme")).await, no(403, "tenant-forbidden"));

    let twice = get(THINGS).token(&sample.reader()).header("x-tenant-id", "acme").header("x-tenant-id", "acme");
    let answer = twice.send(&sample.app).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-header"));
}

#[tokio::test]
async fn a_role_opens_its_own_doors() {
    let sample = Sample::start().await;
    let doors = ["producer", "things", "auditor", "admin", "any"];
    let opened = async |roles: &[&str]| {
        let token = sample.gate.token("acme", roles);
        let mut opened = Vec::new();
        for door in doors {
            let answer = get(&format!("/order-history/{door}")).token(&token).send(&sample.app).await;
            if answer.status == 200 {
                opened.push(door);
            } else {
                assert_eq!((answer.status.as_u16(), answer.problem()), (403, "role-required"));
            }
        }
        opened
    };
    assert!(opened(&[]).await.is_empty());
    assert!(opened(&["owner"]).await.is_empty());
    assert_eq!(opened(&["producer"]).await, ["producer", "any"]);
    assert_eq!(opened(&["history_reader"]).await, ["things", "any"]);
    assert_eq!(opened(&["auditor"]).await, ["things", "auditor", "any"]);
    assert_eq!(opened(&["admin"]).await, doors);
}
