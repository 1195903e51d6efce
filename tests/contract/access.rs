//! No read of history without its record: every GET of the document either leaves one, or is known to show none.

use std::collections::{BTreeMap, BTreeSet};

use http_api::testing::invoke;
use serde_json::{Value, json};
use store::testing::MemoryBucket;

use crate::openapi::{operations, parts};
use crate::service::Service;
use crate::template::Template;

/// The routes that show no history, and why: no event, no state or document of an order, no person.
const SHOW_NO_HISTORY: [(&str, &str); 8] = [
    ("GET /order-history/health", "asks for no token, and names no tenant"),
    ("GET /order-history/schemas", "how the tenant is set up"),
    ("GET /order-history/schemas/{type}/{version}", "how the tenant is set up"),
    ("GET /order-history/ledger/status", "a number and hashes"),
    ("GET /order-history/ledger/checkpoint", "a number and a root"),
    ("GET /order-history/ledger/consistency", "hashes"),
    ("GET /order-history/ledger/keys", "public keys"),
    ("GET /order-history/ledger/anchors", "checkpoints"),
];

/// Asks as the gateway does, with a token that has every role.
fn event(route: &str, operation: &Value, token: &str) -> Value {
    let (method, template) = route.split_once(' ').unwrap();
    let parts = template.split('/').map(|part| if part.starts_with('{') { "order.x" } else { part });
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let waits = parameters.iter().any(|parameter| parameter["name"] == "wait");
    json!({
        "httpMethod": method,
        "path": parts.collect::<Vec<_>>().join("/"),
        "headers": {"Authorization": format!("Bearer {token}"), "X-Purpose": "the contract"},
        "queryStringParameters": if waits { json!({"wait": "0"}) } else { json!({}) },
        "requestContext": {"requestId": route, "httpMethod": method, "identity": {"sourceIp": "203.0.113.10"}},
    })
}

/// How many records each GET leaves, by function and route.
async fn recorded() -> BTreeMap<(&'static str, String), usize> {
    let service = Service::start(&MemoryBucket::default()).await.unwrap();
    let token = service.gate.token("demo", &["producer", "history_reader", "auditor", "admin"]);
    let mut counts = BTreeMap::new();
    for (function, part) in parts() {
        for (route, operation) in operations(&part).filter(|(route, _)| route.starts_with("GET ")) {
            let answer = invoke(&service.apis[function], event(&route, operation, &token)).await;
            let status = answer["statusCode"].as_u64().unwrap();
            assert!(matches!(status, 200..=299 | 400 | 404 | 409), "{route} is not let in: {answer}");
            counts.insert((function, route), 0);
        }
    }
    for access in service.gate.accesses("demo").await {
        assert_eq!(access.request_id, access.trace.route, "a record speaks of its own request");
        assert_eq!(access.trace.purpose.as_deref(), Some("the contract"));
        assert_eq!(access.trace.source_ip.as_deref(), Some("203.0.113.10"));
        let count = counts.iter_mut().find(|((_, route), _)| *route == access.trace.route);
        *count.unwrap_or_else(|| panic!("{} is recorded, and is no GET", access.trace.route)).1 += 1;
    }
    counts
}

#[tokio::test]
async fn every_get_leaves_one_record_or_is_known_to_show_no_history() {
    let counts = recorded().await;
    let without: BTreeSet<&str> = SHOW_NO_HISTORY.into_iter().map(|(route, _)| route).collect();
    let template = Template::read();
    for ((function, route), count) in &counts {
        let expected = usize::from(!without.contains(route.as_str()));
        assert_eq!(*count, expected, "records of {route}: who shows no history asks for LedgerReader or AnyRole");
        if expected == 1 {
            let may = template.may(function, "dynamodb:PutItem", "AccessTable.Arn");
            assert!(may, "{function} answers {route}, and its role may not write into the access table");
        }
    }
    let routes: BTreeSet<&str> = counts.keys().map(|(_, route)| route.as_str()).collect();
    assert!(without.is_subset(&routes), "no longer routes: {:?}", without.difference(&routes));
}
