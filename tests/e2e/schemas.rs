//! Schemas: what a tenant registers decides what becomes of its events, over HTTP and on the stream.

use serde_json::{Value, json};

use crate::support::{Answer, Stream, Tenant, event};

fn shipped(version: &str, properties: Value, on_mismatch: &str) -> Value {
    let schema = json!({"type": "object", "required": ["carrier"], "properties": properties});
    json!({"type": "order.shipped", "version": version, "schema": schema, "on_mismatch": on_mismatch})
}

fn of_version(id: &str, version: &str, carrier: Value) -> Value {
    let mut event = event(id, "ord_1");
    event["schema_version"] = version.into();
    event["payload"]["carrier"] = carrier;
    event
}

fn pointers(errors: &Value) -> Vec<&str> {
    errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_schema_is_registered_once_and_never_changes() {
    let tenant = Tenant::new("schemas");
    let v1 = shipped("v1", json!({"carrier": {"type": "string"}}), "reject");
    let created = tenant.post("/schemas", &v1).await.expect(201).json;
    assert_eq!((&created["revision"], &created["schema"]), (&json!(1), &v1["schema"]));
    assert_eq!(tenant.post("/schemas", &v1).await.expect(200).json, created);
    let changed = shipped("v1", json!({"carrier": {"type": "number"}}), "reject");
    tenant.post("/schemas", &changed).await.expect_problem(409, "schema-exists");

    assert_eq!(tenant.get("/schemas/order.shipped/v1").await.expect(200).json, created);
    tenant.get("/schemas/order.shipped/v9").await.expect_problem(404, "not-found");
    let listed = tenant.all("/schemas?type=order.shipped").await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["sha256"], created["sha256"]);
}

#[tokio::test]
async fn an_addition_must_accept_what_the_version_before_accepts() {
    let tenant = Tenant::new("compatible");
    let v1 = shipped("v1", json!({"carrier": {"enum": ["DHL", "UPS"]}}), "reject");
    tenant.post("/schemas", &v1).await.expect(201);

    let narrower = shipped("v2", json!({"carrier": {"enum": ["DHL"]}}), "reject");
    let refused = tenant.post("/schemas", &narrower).await.expect_problem(409, "schema-incompatible");
    assert!(pointers(&refused.json["errors"])[0].starts_with("/schema/properties/carrier"), "{}", refused.text);
    let mut more = v1.clone();
    more["version"] = "v2".into();
    more["schema"]["required"] = json!(["carrier", "iban"]);
    tenant.post("/schemas", &more).await.expect_problem(409, "schema-incompatible");
    tenant.get("/schemas/order.shipped/v2").await.expect_problem(404, "not-found");

    let wider = shipped("v2", json!({"carrier": {"enum": ["DHL", "UPS", "GLS"]}}), "reject");
    assert_eq!(tenant.post("/schemas", &wider).await.expect(201).json["revision"], 2);

    let broken = json!({"type": "order.paid", "version": "v1", "schema": {"type": "sometimes"}});
    let invalid = tenant.post("/schemas", &broken).await.expect_problem(422, "schema-invalid");
    assert_eq!(pointers(&invalid.json["errors"]), ["/schema/type"]);
    let elsewhere = json!({"type": "order.paid", "version": "v1", "schema": {"$ref": "https://example.com/s.json"}});
    tenant.post("/schemas", &elsewhere).await.expect_problem(422, "schema-invalid");
    let incomplete = json!({"type": "order.paid", "schema": {}});
    tenant.post("/schemas", &incomplete).await.expect_problem(422, "invalid-body");
}

#[tokio::test]
async fn a_tenant_rejects_or_tags_what_does_not_fit() {
    let tenant = Tenant::new("verdicts");
    let text = json!({"carrier": {"type": "string"}});
    tenant.post("/schemas", &shipped("strict", text.clone(), "reject")).await.expect(201);
    tenant.post("/schemas", &shipped("lenient", text, "tag")).await.expect(201);

    let refused = tenant.post("/events", &of_version("evt_1", "strict", json!(7))).await;
    let refused = refused.expect_problem(422, "event-does-not-fit-schema");
    assert_eq!(pointers(&refused.json["errors"]), ["/payload/carrier"]);
    tenant.get("/events/evt_1").await.expect_problem(404, "not-found");

    for (id, version, carrier, standing) in [
        ("evt_2", "strict", json!("DHL"), json!("fits")),
        ("evt_3", "lenient", json!(7), json!("mismatch")),
        ("evt_4", "lenient", json!("DHL"), json!("fits")),
        ("evt_5", "none", json!(7), Value::Null),
    ] {
        tenant.post("/events", &of_version(id, version, carrier)).await.expect(201);
        assert_eq!(tenant.get(&format!("/events/{id}")).await.expect(200).json["schema"], standing, "{id}");
    }

    // The same on the stream.
    let stream = Stream::new().await;
    let key = tenant.name.clone();
    let records = [("evt_6", "strict"), ("evt_7", "lenient")].map(|(id, version)| {
        let mut event = of_version(id, version, json!(7));
        event["tenant_id"] = tenant.name.clone().into();
        (key.clone(), event.to_string())
    });
    stream.put(&records).await;
    stream.settle(&tenant, &[key]).await;
    tenant.get("/events/evt_6").await.expect_problem(404, "not-found");
    assert_eq!(tenant.get("/events/evt_7").await.expect(200).json["schema"], "mismatch");
    let failures = tenant.all("/diagnostics").await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0]["reason"], "event-does-not-fit-schema");
    assert_eq!(failures[0]["findings"][0]["pointer"], "/payload/carrier");
}

#[tokio::test]
async fn validation_answers_for_each_event_and_stores_nothing() {
    let tenant = Tenant::new("validate");
    tenant.post("/schemas", &shipped("v1", json!({"carrier": {"type": "string"}}), "reject")).await.expect(201);
    tenant.post("/schemas", &shipped("tagged", json!({"carrier": {"type": "string"}}), "tag")).await.expect(201);
    let mut envelope = of_version("evt_2", "v1", json!("DHL"));
    envelope["occurred_at"] = "today".into();
    envelope["payload"] = json!([]);
    let events = json!([
        of_version("evt_1", "v1", json!("DHL")),
        envelope,
        of_version("evt_3", "v1", json!(7)),
        of_version("evt_4", "tagged", json!(7)),
        of_version("evt_5", "unknown", json!(7)),
        "no event",
    ]);
    let answer = tenant.post("/events/validate", &events).await.expect(200);
    let found = |answer: &Answer| {
        let found = answer.json["events"].as_array().unwrap().iter().map(|event| {
            let pointers = pointers(&event["errors"]).join(" ");
            (event["valid"].as_bool().unwrap(), event["schema"].as_str().unwrap_or("-").to_owned(), pointers)
        });
        found.collect::<Vec<_>>()
    };
    let expected = [
        (true, "fits", ""),
        (false, "-", "/occurred_at /payload"),
        (false, "mismatch", "/payload/carrier"),
        (true, "mismatch", "/payload/carrier"),
        (true, "-", ""),
        (false, "-", ""),
    ];
    let expected = expected.map(|(valid, schema, pointers)| (valid, schema.to_owned(), pointers.to_owned()));
    assert_eq!(found(&answer), expected);
    assert_eq!(answer.json["valid"], false);

    let one = tenant.post("/events/validate", &of_version("evt_1", "v1", json!("DHL"))).await.expect(200);
    assert_eq!((found(&one).len(), &one.json["valid"]), (1, &json!(true)));
    assert_eq!(tenant.head().await.0, 0, "nothing is stored");
}
