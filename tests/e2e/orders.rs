//! The list of orders follows the ledger: what is posted comes into it within seconds, and moves on in it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Tenant, event, eventually};

const WITHIN: Duration = Duration::from_secs(240);

#[tokio::test]
async fn orders_are_listed_by_their_last_events_and_by_customer() {
    let tenant = Tenant::new("orders");
    let post = async |id: &str, order: &str, at: &str, payload: Value| {
        let mut event = event(id, order);
        event["occurred_at"] = at.into();
        event["payload"] = payload;
        tenant.post("/events", &event).await.expect(201);
    };
    for (n, day) in [(1, "2025-03-01"), (2, "2025-03-03"), (3, "2025-03-02")] {
        let customer = json!({"customer": {"id": format!("cust_{}", n % 2)}});
        post(&format!("evt_{n}"), &format!("ord_{n}"), &format!("{day}T10:00:00Z"), customer).await;
    }
    is_listed(&tenant, "/orders?limit=2", &["ord_1", "ord_3", "ord_2"]).await;
    is_listed(&tenant, "/orders?customer_id=cust_1&limit=1", &["ord_1", "ord_3"]).await;
    is_listed(
        &tenant,
        "/orders?last_event_before=2025-03-02T10:00:00.5Z&has_recent_changes=false",
        &["ord_1", "ord_3"],
    )
    .await;
    is_listed(&tenant, "/orders?customer_id=cust_1&from=2025-03-02T00:00:00Z", &["ord_3"]).await;

    post("evt_4", "ord_1", "2025-03-04T10:00:00Z", json!({})).await;
    is_listed(&tenant, "/orders?limit=1", &["ord_3", "ord_2", "ord_1"]).await;
    let last = tenant.get("/orders?from=2025-03-04T00:00:00Z").await.expect(200).items()[0].clone();
    assert_eq!(
        (&last["events"], &last["last_sequence"], &last["customer_id"]),
        (&json!(2), &json!(4), &json!("cust_1"))
    );
    assert_eq!(last["first_event_at"], "2025-03-01T10:00:00Z");
    is_listed(&tenant, "/orders?to=2025-03-02T00:00:00Z", &[]).await;
}

/// The list is eventually this one.
async fn is_listed(tenant: &Tenant, path: &str, expected: &[&str]) {
    eventually(path, WITHIN, || async {
        let orders = tenant.all(path).await;
        let listed: Vec<_> = orders.iter().map(|order| order["order_id"].as_str().unwrap()).collect();
        if listed == expected { Ok(()) } else { Err(format!("{listed:?}")) }
    })
    .await;
}
