//! Nothing of one tenant reaches another, on any route: every route of docs/openapi.json is asked for what the victim
//! has, by an admin of another tenant.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::attachments::attach;
use crate::ledger::anchor;
use crate::support::{ALL_ROLES, Answer, Api, Route, Stream, Tenant, event, eventually, random_name, routes};

const WITHIN: Duration = Duration::from_secs(240);

/// What the victim has attached.
const DOCUMENT: &[u8] = b"a document";

/// A tenant with something on every route.
struct Victim {
    tenant: Tenant,
    attachment_ids: [String; 2],
    /// Stands in all content of the victim, and nowhere else.
    marker: String,
    event_id: String,
    order_id: String,
    event_type: String,
}

impl Victim {
    async fn new() -> Self {
        let marker = random_name("secret");
        let tenant = Tenant::new("victim");
        let (event_id, order_id, event_type) = (random_name("evt"), random_name("ord"), "order.shipped".to_owned());
        let mut victim = Self { tenant, attachment_ids: Default::default(), marker, event_id, order_id, event_type };
        for version in ["v1", "v2"] {
            victim.tenant.post("/schemas", &victim.schema(version)).await.expect(201);
        }
        for (id, length) in [(victim.event_id.as_str(), 1), ("evt_2", 2)] {
            victim.tenant.post("/events", &victim.event(id)).await.expect(201);
            victim.is_anchored(length).await;
        }
        for id in ["correction_1", "correction_2"] {
            victim.tenant.post("/corrections", &victim.correction(id)).await.expect(201);
        }
        for id in ["snap_1", "snap_2"] {
            let path = format!("/orders/{}/snapshots", victim.order_id);
            victim.tenant.post(&path, &victim.snapshot(id)).await.expect(201);
        }
        // A second order, for a list of orders to have two pages.
        let mut other = victim.event("evt_3");
        other["order_id"] = random_name("ord").into();
        victim.tenant.post("/events", &other).await.expect(201);
        eventually("both orders are listed", WITHIN, || async {
            let listed = victim.tenant.get("/orders").await.items().len();
            if listed == 2 { Ok(()) } else { Err(format!("{listed} are")) }
        })
        .await;
        for index in 0..2 {
            victim.attachment_ids[index] = attach(&victim.tenant, &victim.document(), DOCUMENT).await;
        }
        let refused = |id| {
            let mut refused = victim.event(id);
            refused["tenant_id"] = victim.tenant.name.clone().into();
            refused.as_object_mut().unwrap().remove("order_id");
            refused.to_string()
        };
        let records = ["bad_1", "bad_2"].map(|id| ("isolation".to_owned(), refused(id)));
        Stream::new().await.put(&records).await;
        eventually("the refused events are listed", WITHIN, || async {
            let listed = victim.tenant.get("/diagnostics").await.items().len();
            if listed == records.len() { Ok(()) } else { Err(format!("{listed} are")) }
        })
        .await;
        victim
    }

    /// Waits until the tree has all events, and has it anchored.
    async fn is_anchored(&self, length: u64) {
        eventually("the tree has all events", WITHIN, || async {
            let status = self.tenant.get("/ledger/status").await.json;
            if status["checkpoint"]["size"] == length { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
        anchor().await;
    }

    fn schema(&self, version: &str) -> Value {
        let schema = json!({"type": "object", "title": self.marker, "properties": {"note": {"type": "string"}}});
        json!({"type": self.event_type, "version": version, "schema": schema})
    }

    fn event(&self, id: &str) -> Value {
        let mut event = event(id, &self.order_id);
        event["payload"]["note"] = self.marker.clone().into();
        event["payload"]["customer_id"] = self.marker.clone().into();
        event["metadata"]["actor_id"] = self.marker.clone().into();
        event
    }

    /// What is said of the document. Its name gives the victim away.
    fn document(&self) -> Value {
        json!({
            "event_id": self.event_id, "filename": format!("{}.txt", self.marker), "content_type": "text/plain",
            "size": DOCUMENT.len(), "sha256": hex::encode(Sha256::digest(DOCUMENT)),
        })
    }

    fn snapshot(&self, id: &str) -> Value {
        json!({
            "snapshot_id": id, "captured_at": "2025-08-30T00:00:00Z", "source": "shop",
            "state": {"note": self.marker}, "metadata": {"note": self.marker},
        })
    }

    fn correction(&self, id: &str) -> Value {
        let mut correction = self.event(id);
        correction["correction_of"] = self.event_id.clone().into();
        correction
    }

    /// A route's path and the query that it must have, with what the victim has.
    fn path(&self, route: &Route) -> String {
        let query = match route.name().as_str() {
            "GET /events/stream" => "?after=0&wait=0",
            "GET /events/{event_id}/proof" => "?content=true",
            "GET /ledger/proof" => "?from=1&to=2&content=true",
            "GET /ledger/consistency" => "?from=1&to=2",
            _ => "",
        };
        let path = route.filled(|parameter| match parameter {
            "event_id" => self.event_id.clone(),
            "order_id" => self.order_id.clone(),
            "correction_id" => "correction_1".to_owned(),
            "snapshot_id" => "snap_1".to_owned(),
            "attachment_id" => self.attachment_ids[0].clone(),
            "type" => self.event_type.clone(),
            "version" => "v1".to_owned(),
            // A tile of the tree.
            "path" => "entries/000.p/2".to_owned(),
            other => panic!("{}: say here what a victim has for {other}", route.name()),
        });
        format!("{path}{query}")
    }

    fn call(&self, api: &Api, route: &Route, query: &str, body: Option<&Value>) -> crate::support::Call {
        let call = api.call(route.method.clone(), &format!("{}{query}", self.path(route)));
        match body {
            Some(body) => call.json(body.to_string()),
            None => call,
        }
    }
}

/// What a stranger sends to a route that takes a body: the victim's ids, and other content.
fn strangers_body(victim: &Victim, route: &Route) -> Option<Value> {
    match route.name().as_str() {
        "POST /events" | "POST /events/validate" => Some(event(&victim.event_id, &victim.order_id)),
        "POST /corrections" => {
            let mut correction = event("correction_3", &victim.order_id);
            correction["correction_of"] = victim.event_id.clone().into();
            Some(correction)
        }
        "POST /schemas" => Some(json!({"type": victim.event_type, "version": "v1", "schema": {"type": "object"}})),
        "POST /attachments/request-upload" => Some(victim.document()),
        "POST /attachments" => {
            let mut document = victim.document();
            document["attachment_id"] = victim.attachment_ids[0].clone().into();
            Some(document)
        }
        "POST /orders/{order_id}/snapshots" => {
            let mut snapshot = victim.snapshot("snap_1");
            snapshot["state"] = json!({});
            snapshot["metadata"] = json!({});
            Some(snapshot)
        }
        "DELETE /attachments/{attachment_id}" | "DELETE /snapshots/{snapshot_id}" => None,
        name if route.method != Method::GET => panic!("say here what a stranger sends to {name}"),
        _ => None,
    }
}

/// Stops the test unless the answer is what a tenant with nothing of its own gets.
fn is_a_strangers_answer(route: &Route, answer: &Answer) {
    let shown = || format!("{}: {} {}", answer.what, answer.status, answer.text);
    match route.name().as_str() {
        // As if the victim did not exist: the stranger's own log begins, its own schema is the first.
        "POST /events" => assert_eq!((answer.status, &answer.json["sequence"]), (201, &json!(1)), "{}", shown()),
        // Of an order without events, an empty state is what it should be.
        "POST /orders/{order_id}/snapshots" => {
            let stored = (&answer.json["sequence"], &answer.json["matches_history"]);
            assert_eq!((answer.status, stored), (201, (&json!(1), &json!(true))), "{}", shown());
        }
        "GET /orders/{order_id}/timeline/aggregate" => {
            assert_eq!((answer.status, &answer.json["events"]), (200, &json!(0)), "{}", shown());
        }
        "POST /schemas" => assert_eq!((answer.status, &answer.json["revision"]), (201, &json!(1)), "{}", shown()),
        "POST /events/validate" => {
            let expected = json!({"valid": true, "events": [{"index": 0, "valid": true, "errors": []}]});
            assert_eq!((answer.status, &answer.json), (200, &expected), "{}", shown());
        }
        "GET /ledger/status" => {
            assert_eq!((answer.status, &answer.json["length"]), (200, &json!(0)), "{}", shown());
            assert_eq!(answer.json["checkpoint"], Value::Null, "{}", shown());
        }
        "GET /events/stream" => {
            let nothing = json!({"items": [], "next_after": 0});
            assert_eq!((answer.status, &answer.json), (200, &nothing), "{}", shown());
        }
        // The keys are the same for everybody; their names are not.
        "GET /ledger/keys" => {
            assert_eq!(answer.status, 200, "{}", shown());
            let origin = answer.json["origin"].as_str().unwrap();
            let keys = answer.json["keys"].as_array().unwrap();
            assert!(keys.iter().all(|key| key["vkey"].as_str().unwrap().starts_with(origin)), "{}", shown());
        }
        "POST /corrections" => {
            assert_eq!((answer.status, answer.problem()), (422, "invalid-correction"), "{}", shown());
        }
        "POST /attachments" | "POST /attachments/request-upload" => {
            assert_eq!((answer.status, answer.problem()), (422, "invalid-attachment"), "{}", shown());
        }
        // Lists of what belongs to one event.
        "GET /events/{event_id}/corrections" | "GET /events/{event_id}/attachments" => {
            assert_eq!((answer.status, answer.problem()), (404, "not-found"), "{}", shown());
        }
        "GET /ledger/proof" | "GET /ledger/consistency" => {
            assert_eq!((answer.status, answer.problem()), (409, "not-yet-in-tree"), "{}", shown());
        }
        _ if route.is_list => assert_eq!(answer.items(), &[] as &[Value], "{}", shown()),
        _ => assert_eq!((answer.status, answer.problem()), (404, "not-found"), "{}", shown()),
    }
}

#[tokio::test]
async fn no_route_gives_anything_of_another_tenant() {
    let victim = Victim::new().await;
    // The victim sees its own content where there is content to see, or the rest of this would prove nothing.
    let mut seen: BTreeMap<String, bool> = BTreeMap::new();
    for route in routes().iter().filter(|route| route.method == Method::GET && route.needs_token) {
        let answer = victim.tenant.get(&victim.path(route)).await.expect(200);
        seen.insert(route.path.clone(), answer.text.contains(&victim.marker));
    }
    let seen: Vec<&str> = seen.iter().filter(|(_, seen)| **seen).map(|(path, _)| path.as_str()).collect();
    let content = [
        "/attachments/{attachment_id}",
        "/corrections/{correction_id}",
        "/diagnostics",
        "/events",
        "/events/stream",
        "/events/{event_id}",
        "/events/{event_id}/attachments",
        "/events/{event_id}/corrections",
        "/ledger/proof",
        "/orders",
        "/orders/{order_id}/events/{type}",
        "/orders/{order_id}/snapshot",
        "/orders/{order_id}/snapshots",
        "/orders/{order_id}/timeline",
        "/orders/{order_id}/timeline/aggregate",
        "/schemas/{type}/{version}",
        "/snapshots/{snapshot_id}",
    ];
    assert_eq!(seen, content);
    let before = victim.tenant.head().await;

    for route in routes().iter().filter(|route| route.needs_token) {
        // A new stranger for each route, which has nothing of its own.
        let stranger = Tenant::new("stranger");
        let token = stranger.token(&ALL_ROLES);
        let body = strangers_body(&victim, route);
        let mut answers = Vec::new();

        let named = victim.call(&stranger.api, route, "", body.as_ref()).token(&token);
        answers.push(
            named.header("x-tenant-id", &victim.tenant.name).send().await.expect_problem(403, "tenant-forbidden"),
        );
        if route.is_list {
            let page = victim.tenant.get(&format!("{}?limit=1", victim.path(route))).await.expect(200);
            let cursor = page.json["next_cursor"].as_str().unwrap_or_else(|| panic!("{} has one page", route.name()));
            let stolen = victim.call(&stranger.api, route, &format!("?cursor={cursor}&limit=1"), None).token(&token);
            answers.push(stolen.send().await.expect_problem(400, "invalid-cursor"));
        }
        let plain = victim.call(&stranger.api, route, "", body.as_ref()).token(&token).send().await;
        is_a_strangers_answer(route, &plain);
        answers.push(plain);

        for answer in answers {
            assert!(!answer.text.contains(&victim.marker), "{} gives the victim's content away", answer.what);
            let name = &victim.tenant.name;
            assert!(!answer.text.contains(name) || answer.status == 403, "{} names the victim", answer.what);
            let headers = format!("{:?}", answer.headers);
            assert!(!headers.contains(&victim.marker), "{} gives the victim's content away", answer.what);
        }
    }
    assert_eq!(victim.tenant.head().await, before, "nobody has written into the victim's log");
}

/// Tenants whose names begin alike share nothing either, though their keys are made of the names.
#[tokio::test]
async fn a_name_that_continues_anothers_sees_nothing_of_it() {
    let victim = Tenant::new("prefix");
    victim.post("/events", &event("evt_1", "ord_1")).await.expect(201);
    let longer = victim.named(&format!("{}-1", victim.name));
    longer.get("/events/evt_1").await.expect_problem(404, "not-found");
    assert_eq!(longer.get("/orders/ord_1/timeline").await.items(), &[] as &[Value]);
    assert_eq!(longer.head().await.0, 0);
}

/// A token for two tenants must say for which of them it asks, and gets that one's alone.
#[tokio::test]
async fn a_token_for_two_tenants_names_one_of_them() {
    let (one, other) = (Tenant::new("one"), Tenant::new("other"));
    one.post("/events", &event("evt_1", "ord_1")).await.expect(201);
    let both = one.token_for(&[&one.name, &other.name]);
    let ask = |tenant: Option<&str>| {
        let call = one.api.get("/events/evt_1").token(&both);
        tenant.map_or_else(|| one.api.get("/events/evt_1").token(&both), |name| call.header("x-tenant-id", name)).send()
    };
    ask(None).await.expect_problem(400, "tenant-required");
    ask(Some(&one.name)).await.expect(200);
    ask(Some(&other.name)).await.expect_problem(404, "not-found");
    ask(Some("third")).await.expect_problem(403, "tenant-forbidden");
}
