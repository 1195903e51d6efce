//! Nothing but `/health` answers without a genuine token and the right role: every route of docs/openapi.json is tried.

use reqwest::Method;

use crate::support::{ALL_ROLES, Call, Route, Tenant, event, routes, side_by_side};

/// Who may call a route. A new route must be entered here.
fn roles_of(route: &Route) -> &'static [&'static str] {
    match route.name().as_str() {
        "POST /events"
        | "POST /events/validate"
        | "POST /corrections"
        | "POST /orders/{order_id}/snapshots"
        | "POST /attachments"
        | "POST /attachments/request-upload" => &["producer", "admin"],
        "GET /events"
        | "GET /events/stream"
        | "GET /events/{event_id}"
        | "GET /events/{event_id}/verify"
        | "GET /orders"
        | "GET /orders/{order_id}/timeline"
        | "GET /orders/{order_id}/timeline/aggregate"
        | "GET /orders/{order_id}/events/{type}"
        | "GET /orders/{order_id}/snapshot"
        | "GET /orders/{order_id}/snapshots"
        | "GET /snapshots/{snapshot_id}"
        | "GET /events/{event_id}/proof"
        | "GET /events/{event_id}/corrections"
        | "GET /corrections/{correction_id}"
        | "GET /events/{event_id}/attachments"
        | "GET /attachments/{attachment_id}"
        | "GET /ledger/status"
        | "GET /ledger/checkpoint"
        | "GET /ledger/tile/{path}"
        | "GET /ledger/keys"
        | "GET /ledger/proof"
        | "GET /ledger/consistency"
        | "GET /ledger/anchors" => &["history_reader", "auditor", "admin"],
        "GET /schemas" | "GET /schemas/{type}/{version}" => &ALL_ROLES,
        "POST /schemas"
        | "GET /diagnostics"
        | "DELETE /attachments/{attachment_id}"
        | "DELETE /snapshots/{snapshot_id}" => &["admin"],
        name => panic!("say here who may call {name}"),
    }
}

fn call(tenant: &Tenant, route: &Route) -> Call {
    let path = route.filled(|parameter| if parameter == "type" { "order.shipped".into() } else { "x".into() });
    // Without this it waits for something to happen.
    let path = if route.name() == "GET /events/stream" { format!("{path}?wait=0") } else { path };
    let call = tenant.api.call(route.method.clone(), &path);
    if route.method == Method::POST { call.json(event("evt_1", "ord_1").to_string()) } else { call }
}

#[tokio::test]
async fn no_route_but_health_answers_without_a_genuine_token() {
    let tenant = Tenant::new("auth");
    let all = routes();
    let open: Vec<String> = all.iter().filter(|route| !route.needs_token).map(Route::name).collect();
    assert_eq!(open, ["GET /health"]);
    let refused = tenant.refused_tokens();
    side_by_side(4, all.iter().filter(|route| route.needs_token), |route| {
        let (tenant, refused) = (&tenant, &refused);
        async move {
            let none = call(tenant, route).send().await.expect_problem(401, "missing-token");
            assert!(challenge(&none).starts_with("Bearer"), "{}: {:?}", none.what, none.headers);
            for scheme in ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNzd29yZA=="] {
                call(tenant, route).header("authorization", scheme).send().await.expect_problem(401, "missing-token");
            }
            for (what, token, problem) in refused {
                let answer = call(tenant, route).token(token).send().await;
                assert_eq!((answer.status, answer.problem()), (401, *problem), "{} with a token {what}", answer.what);
                assert!(!answer.text.contains(token), "a token is never repeated");
            }
        }
    })
    .await;
    assert_eq!(tenant.head().await.0, 0, "nothing is stored");
}

/// The gateway hands the header on under a name of its own.
fn challenge(answer: &crate::support::Answer) -> &str {
    match answer.header("www-authenticate") {
        "" => answer.header("x-amzn-remapped-www-authenticate"),
        challenge => challenge,
    }
}

#[tokio::test]
async fn each_route_answers_to_its_roles_and_no_other() {
    let tenant = Tenant::new("roles");
    let stranger = Tenant::new("roles");
    side_by_side(4, routes().into_iter().filter(|route| route.needs_token), |route| {
        let (tenant, stranger) = (&tenant, &stranger);
        async move {
            for role in ALL_ROLES {
                let answer = call(tenant, &route).token(&tenant.token(&[role])).send().await;
                if roles_of(&route).contains(&role) {
                    assert!(!matches!(answer.status, 401 | 403 | 500..), "{} by {role}: {}", answer.what, answer.text);
                } else {
                    answer.expect_problem(403, "role-required");
                }
            }
            for roles in [&[][..], &["root", "Admin"]] {
                call(tenant, &route).token(&tenant.token(roles)).send().await.expect_problem(403, "role-required");
            }
            let foreign = call(tenant, &route).token(&stranger.token(&ALL_ROLES)).header("x-tenant-id", &tenant.name);
            foreign.send().await.expect_problem(403, "tenant-forbidden");
            let nobody = call(tenant, &route).token(&tenant.token_for(&[]));
            nobody.send().await.expect_problem(403, "tenant-forbidden");
        }
    })
    .await;
}
