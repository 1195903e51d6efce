//! Corrections: recorded beside what they put right, and found from there.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Tenant, event};

fn correction(id: &str, of: &str) -> Value {
    json!({
        "event_id": id, "order_id": "ord_1", "correction_of": of, "occurred_at": "2025-08-30T08:00:00Z",
        "source": "support", "schema_version": "v1", "payload": {"carrier": id}
    })
}

/// Read your writes, in a race: what was acknowledged a moment ago can be corrected, and the correction is listed.
#[tokio::test]
async fn what_was_just_acknowledged_can_be_corrected_and_the_correction_is_found_at_once() {
    let tenant = Tenant::new("corrections");
    let tenant = &tenant;
    join_all((0..8).map(|i| async move {
        let original = format!("evt_{i}");
        tenant.post("/events", &event(&original, "ord_1")).await.expect(201);
        let mut named = original.clone();
        let mut chain = Vec::new();
        for length in 1..=4 {
            let id = format!("evt_{i}-c{length}");
            tenant.post("/corrections", &correction(&id, &named)).await.expect(201);
            chain.push(id.clone());
            let listed = tenant.all(&format!("/events/{original}/corrections?limit=3")).await;
            let ids: Vec<&str> = listed.iter().map(|correction| correction["id"].as_str().unwrap()).collect();
            assert_eq!(ids, chain, "the chain of {original}");
            assert_eq!(listed.last().unwrap()["correction_of"], named);
            let read = tenant.get(&format!("/corrections/{id}")).await.expect(200).json;
            assert_eq!((&read["id"], &read["type"]), (&json!(id), &json!("order.corrected")));
            named = id;
        }
    }))
    .await;
    assert_eq!(tenant.head().await.0, 8 * 5);
    assert_eq!(tenant.all("/orders/ord_1/timeline").await.len(), 8 * 5, "corrections stand in the timeline");
    let verified = tenant.get("/events/evt_3-c4/verify").await.expect(200).json;
    assert_eq!(verified["verified"], true, "{verified}");
}

#[tokio::test]
async fn a_correction_sent_again_adds_nothing_and_what_cannot_be_corrected_is_refused() {
    let (tenant, rival) = (Tenant::new("corrections"), Tenant::new("corrections"));
    tenant.post("/events", &event("evt_1", "ord_1")).await.expect(201);
    tenant.post("/events", &event("evt_2", "ord_2")).await.expect(201);
    rival.post("/events", &event("evt_theirs", "ord_1")).await.expect(201);
    let first = tenant.post("/corrections", &correction("c1", "evt_1")).await.expect(201);
    let again = tenant.post("/corrections", &correction("c1", "evt_1")).await.expect(200);
    assert_eq!(first.json, again.json);
    tenant.post("/corrections", &correction("c1", "c1")).await.expect_problem(422, "invalid-correction");
    let mut other = correction("c1", "evt_1");
    other["payload"]["carrier"] = json!("UPS");
    tenant.post("/corrections", &other).await.expect_problem(409, "event-conflict");

    let mut refusals = Vec::new();
    for (of, pointer) in [("evt_theirs", "/correction_of"), ("evt_9", "/correction_of"), ("evt_2", "/order_id")] {
        let refused = tenant.post("/corrections", &correction("c2", of)).await;
        let refused = refused.expect_problem(422, "invalid-correction");
        assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{}", refused.text);
        refusals.push(refused.json["errors"].clone());
    }
    assert_eq!(refusals[0], refusals[1], "another tenant's event is no different from one that nobody has");
    tenant.get("/corrections/evt_1").await.expect_problem(404, "not-found");
    tenant.get("/corrections/c2").await.expect_problem(404, "not-found");
    tenant.get("/events/c2/corrections").await.expect_problem(404, "not-found");
    assert_eq!(tenant.head().await.0, 3, "nothing else is stored");
}
