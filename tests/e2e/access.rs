//! Who has read what: each function that shows history records its reads, with the rights that it was deployed with.

use crate::support::{Stack, Tables, Tenant, event, routes, text};

/// The records of a tenant's reads today and, if the test runs over midnight, yesterday.
async fn records(tables: &Tables, tenant: &Tenant) -> Vec<crate::support::Item> {
    let table = Stack::get().output("AccessTableName");
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let mut records = Vec::new();
    for days_ago in [1, 0] {
        let day = domain::time::Timestamp::clamped_from_millis(now - days_ago * 86_400_000).to_string();
        records.extend(tables.query(table, "pk", &format!("{}#{}", tenant.name, &day[..10])).await);
    }
    records
}

#[tokio::test]
async fn a_read_is_on_record_when_its_answer_is_there() {
    let (tenant, tables) = (Tenant::new("access"), Tables::new().await);
    tenant.post("/events", &event("evt_1", "ord_1")).await.expect(201);
    assert_eq!(records(&tables, &tenant).await, [], "recording events is no read");

    let token = tenant.token(&["auditor", "history_reader"]);
    let timeline = tenant.api.get("/orders/ord_1/timeline?limit=5&order=occurred_at").token(&token);
    let timeline = timeline.header("x-purpose", "dispute 4711").header("user-agent", "support-desk/4.2");
    let answer = timeline.send().await.expect(200);

    let records = records(&tables, &tenant).await;
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(text(record, "subject"), "end-to-end");
    assert_eq!(text(record, "route"), "GET /order-history/orders/{order_id}/timeline");
    assert_eq!(record["path"].as_m().unwrap()["order_id"].as_s().unwrap(), "ord_1");
    let mut query: Vec<&str> = text(record, "query").split('&').collect();
    query.sort_unstable();
    assert_eq!(query, ["limit=5", "order=occurred_at"]);
    assert_eq!((text(record, "purpose"), text(record, "user_agent")), ("dispute 4711", "support-desk/4.2"));
    assert_eq!(text(record, "source_ip"), "127.0.0.1");
    let roles: Vec<&String> = record["roles"].as_l().unwrap().iter().map(|role| role.as_s().unwrap()).collect();
    assert_eq!(roles, ["history_reader", "auditor"]);
    let (_, request_id) = text(record, "sk").split_once('#').unwrap();
    assert_eq!(request_id, answer.header("x-request-id"));
}

/// A function whose role may not write the record answers 503 to everything that it should show.
#[tokio::test]
async fn every_function_may_record_its_reads() {
    let (tenant, tables) = (Tenant::new("access-all"), Tables::new().await);
    let mut asked = 0;
    for route in routes().into_iter().filter(|route| route.method == reqwest::Method::GET && route.needs_token) {
        let path = route.filled(|_| "order.x".to_owned());
        let path = if route.name() == "GET /events/stream" { format!("{path}?wait=0") } else { path };
        let answer = tenant.get(&path).await;
        assert!(answer.status < 500, "{}: {}", answer.what, answer.text);
        asked += 1;
    }
    let recorded = records(&tables, &tenant).await.len();
    // tests/contract/access.rs knows which.
    assert!((1..=asked).contains(&recorded), "{recorded} of {asked}");
}
