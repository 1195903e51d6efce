//! What cannot be recorded or asked: each mistake has a problem of its own, and leaves nothing behind.

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Tenant, event};

#[tokio::test]
async fn each_mistake_in_an_event_has_its_problem_and_nothing_is_stored() {
    let tenant = Tenant::new("bad-input");
    tenant.post("/events", &event("good", "ord_1")).await.expect(201);
    let before = tenant.head().await;

    let event = event("evt_1", "ord_1").to_string();
    let replaced = |what: &str, with: &str| {
        assert!(event.contains(what), "{what}");
        event.replacen(what, with, 1)
    };
    let without = |field: &str| {
        let mut event: Value = serde_json::from_str(&event).unwrap();
        assert!(event.as_object_mut().unwrap().remove(field).is_some());
        event.to_string()
    };
    let deep = format!("{}1{}", r#"{"a":"#.repeat(64), "}".repeat(64));
    let long = "x".repeat(256 * 1024);
    let id = "x".repeat(129);
    for (body, status, problem, place) in [
        (String::new(), 400, "missing-body", ""),
        (" \n".to_owned(), 400, "missing-body", ""),
        ("{".to_owned(), 400, "malformed-json", ""),
        (format!("{event} and more"), 400, "malformed-json", ""),
        (replaced(r#""DHL""#, "01"), 400, "malformed-json", ""),
        (
            replaced(r#""carrier":"DHL""#, r#""carrier":"DHL","carrier":"DHL""#),
            400,
            "duplicate-key",
            "/payload/carrier",
        ),
        (replaced("1250", "9007199254740992"), 400, "number-out-of-range", "/payload/parcels/0/weight_g"),
        (replaced("1250", "1e300"), 400, "number-out-of-range", "/payload/parcels/0/weight_g"),
        (replaced(r#""DHL""#, &deep), 400, "too-deep", "*"),
        (replaced("DHL", &long), 413, "event-too-large", ""),
        ("[]".to_owned(), 422, "invalid-event", "*"),
        ("7".to_owned(), 422, "invalid-event", "*"),
        (without("event_id"), 422, "invalid-event", "/event_id"),
        (without("order_id"), 422, "invalid-event", "/order_id"),
        (without("occurred_at"), 422, "invalid-event", "/occurred_at"),
        (without("source"), 422, "invalid-event", "/source"),
        (without("type"), 422, "invalid-event", "/type"),
        (without("payload"), 422, "invalid-event", "/payload"),
        (without("schema_version"), 422, "invalid-event", "/schema_version"),
        (replaced("ord_1", ""), 422, "invalid-event", "/order_id"),
        (replaced("evt_1", &id), 422, "invalid-event", "/event_id"),
        (replaced("evt_1", r"evt\u0000"), 422, "invalid-event", "/event_id"),
        (replaced("ord_1", r"ord\n1"), 422, "invalid-event", "/order_id"),
        (replaced("ord_1", r"ord\u202e1"), 422, "invalid-event", "/order_id"),
        (replaced("12:34:56Z", "12:34:56"), 422, "invalid-event", "/occurred_at"),
        (replaced("2025-08-29T", "10000-08-29T"), 422, "invalid-event", "/occurred_at"),
        (replaced("2025-08-29T", "2025-02-30T"), 422, "invalid-event", "/occurred_at"),
        (replaced("order.shipped", "Order Shipped"), 422, "invalid-event", "/type"),
        (replaced(r#""source""#, r#""colour":1,"source""#), 422, "invalid-event", "/colour"),
        (replaced(r#""source""#, r#""tenant_id":"rival","source""#), 422, "invalid-event", "/tenant_id"),
        (replaced(r#""svc_warehouse""#, "7"), 422, "invalid-event", "/metadata/actor_id"),
    ] {
        let answer = tenant.post_text("/events", body).await.expect_problem(status, problem);
        match place {
            "" => {}
            "*" => assert!(!pointers(&answer).is_empty(), "{}", answer.text),
            place => assert_eq!(pointers(&answer), [place], "{}", answer.text),
        }
        assert!(!answer.text.contains("DHL"), "an answer repeats nothing of what was sent: {}", answer.text);
    }
    let large = tenant.post_text("/events", replaced("DHL", &long)).await;
    assert!(
        large.text.contains("262144") && large.text.contains("because"),
        "the limit and its reason: {}",
        large.text
    );

    assert_eq!(tenant.head().await, before, "nothing is stored");
    assert_eq!(tenant.all("/events").await.len(), 1);
}

fn pointers(answer: &Answer) -> Vec<&str> {
    let errors = answer.json["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
}

#[tokio::test]
async fn the_body_must_be_said_to_be_json() {
    let tenant = Tenant::new("bad-type");
    let token = tenant.token(&["producer"]);
    let body = event("evt_1", "ord_1").to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"] {
        let call = tenant.api.call(Method::POST, "/events").header("content-type", content_type);
        call.body(body.clone()).token(&token).send().await.expect_problem(415, "unsupported-media-type");
    }
    let packed = tenant.api.post("/events", body).header("content-encoding", "gzip").token(&token);
    packed.send().await.expect_problem(415, "unsupported-media-type");
    assert_eq!(tenant.head().await.0, 0, "nothing is stored");
}

#[tokio::test]
async fn each_mistake_in_a_question_has_its_problem() {
    let tenant = Tenant::new("bad-query");
    for id in ["evt_1", "evt_2", "evt_3"] {
        tenant.post("/events", &event(id, "ord_1")).await.expect(201);
    }
    for list in ["/events", "/orders/ord_1/timeline"] {
        let page = tenant.get(&format!("{list}?limit=1")).await.expect(200);
        let cursor = page.json["next_cursor"].as_str().unwrap().to_owned();
        let mut forged = cursor.clone();
        forged.replace_range(4..5, if &cursor[4..5] == "A" { "B" } else { "A" });
        for (query, problem) in [
            ("limit=0".to_owned(), "invalid-parameter"),
            ("limit=-1".to_owned(), "invalid-parameter"),
            ("limit=10000000".to_owned(), "invalid-parameter"),
            ("limit=ten".to_owned(), "invalid-parameter"),
            ("colour=red".to_owned(), "invalid-parameter"),
            ("from=2025-08-29T12:00:00".to_owned(), "invalid-parameter"),
            ("from=10000-01-01T00:00:00Z".to_owned(), "invalid-parameter"),
            ("from=2025-08-30T00:00:00Z&to=2025-08-29T00:00:00Z".to_owned(), "invalid-parameter"),
            ("to=2025-08-29T00:00:00Z&to=2025-08-30T00:00:00Z".to_owned(), "invalid-parameter"),
            (format!("cursor={forged}"), "invalid-cursor"),
            ("cursor=AAAA".to_owned(), "invalid-cursor"),
            ("cursor=".to_owned(), "invalid-cursor"),
            (format!("cursor={cursor}&from=2020-01-01T00:00:00Z"), "invalid-cursor"),
        ] {
            tenant.get(&format!("{list}?{query}")).await.expect_problem(400, problem);
        }
    }
    let page = tenant.get("/events?limit=1").await;
    let elsewhere = format!("/orders/ord_1/timeline?cursor={}", page.json["next_cursor"].as_str().unwrap());
    tenant.get(&elsewhere).await.expect_problem(400, "invalid-cursor");

    // Each of these would be an id that exists, were a character dropped on the way.
    for id in ["evt_1%00", "evt%0A_1", "evt_1%20", "evt_1%23", "evt_1%3Fx", "%C3%A9vt_1", "evt_1%25"] {
        tenant.get(&format!("/events/{id}")).await.expect_problem(400, "invalid-parameter");
    }
    tenant.get(&format!("/events/{}", "x".repeat(129))).await.expect_problem(400, "invalid-parameter");
    tenant.get("/events/unknown").await.expect_problem(404, "not-found");
    tenant.get("/ledger/status?x=1").await.expect_problem(400, "invalid-parameter");
}
