//! Every GET of the API, as it is asked of a [`Tenant`](super::tenant::Tenant).

use serde_json::{Value, json};

use super::tenant::{EVENTS, SAID, at};

/// The route that is left out. It reads no table and needs no token: in AWS it asks every table, stream and bucket how it
/// is, at most once in five seconds.
#[cfg(test)]
pub(super) const LEFT_OUT: &str = "health";

/// A request.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) api: &'static str,
    /// Below `/order-history/`, as docs/openapi.json has it.
    pub(super) route: &'static str,
    pub(super) query: String,
    /// How this request differs from others of its route.
    pub(super) says: &'static str,
    pub(super) shows: Shows,
}

/// What the answer has, or nothing was measured.
#[derive(Debug)]
pub(super) enum Shows {
    /// So many items.
    Items(usize),
    /// At a JSON Pointer, this.
    Value(&'static str, Value),
    /// A document that is no JSON.
    Document,
}

impl Shows {
    pub(super) fn is_in(&self, answer: &Value) -> bool {
        match self {
            Self::Items(count) => answer["items"].as_array().is_some_and(|items| items.len() == *count),
            Self::Value(pointer, value) => answer.pointer(pointer) == Some(value),
            Self::Document => answer.is_null(),
        }
    }
}

fn case(api: &'static str, route: &'static str, shows: Shows) -> Case {
    Case { api, route, query: String::new(), says: "", shows }
}

impl Case {
    fn when(self, says: &'static str, query: impl Into<String>) -> Self {
        Self { says, query: query.into(), ..self }
    }

    /// How the table calls it.
    pub(super) fn name(&self) -> String {
        let Self { route, says, .. } = self;
        if says.is_empty() { format!("`{route}`") } else { format!("`{route}`, {says}") }
    }
}

/// All of them, with pages of at most `limit` items of the tenant's log or list of orders, which holds `events` events, the
/// order's last.
pub(super) fn cases(limit: usize, events: u64) -> Vec<Case> {
    let mut cases = of_events(limit);
    cases.extend(of_the_order());
    cases.extend(of_the_ledger(events));
    cases.extend([
        case("orders-api", "orders", Shows::Items(limit)).when("the first page", format!("limit={limit}")),
        case("schemas-api", "schemas", Shows::Items(1)),
        case("schemas-api", "schemas/{type}/{version}", Shows::Value("/version", json!("v1"))),
        case("ops-api", "diagnostics", Shows::Items(1)),
    ]);
    cases
}

fn of_events(limit: usize) -> Vec<Case> {
    let list = |shows| case("events-api", "events", shows);
    let stream = |shows| case("stream-api", "events/stream", shows);
    vec![
        case("events-api", "events/{event_id}", Shows::Value("/id", json!("evt_4"))),
        case("events-api", "events/{event_id}/corrections", Shows::Items(2)),
        case("events-api", "events/{event_id}/attachments", Shows::Items(1)),
        case("events-api", "events/{event_id}/proof", Shows::Document),
        case("events-api", "events/{event_id}/verify", Shows::Value("/verified", json!(true))),
        case("corrections-api", "corrections/{correction_id}", Shows::Value("/correction_of", json!("evt_4"))),
        case("attachments-api", "attachments/{attachment_id}", Shows::Value("/event_id", json!("evt_4"))),
        list(Shows::Items(EVENTS + SAID)).when("of the order", "order_id=ord_read"),
        list(Shows::Items(1)).when("of the order with attachments", "order_id=ord_read&has_attachments=true"),
        list(Shows::Items(limit)).when("the first page", format!("limit={limit}")),
        list(Shows::Items(0))
            .when("a page that finds none with attachments", format!("has_attachments=true&limit={limit}")),
        list(Shows::Items(0)).when("a page that finds none of a type", format!("type=order.unheard&limit={limit}")),
        stream(Shows::Items(0)).when("nothing new, no wait", "wait=0"),
        stream(Shows::Items(limit)).when("from the beginning", format!("after=0&wait=0&limit={limit}")),
    ]
}

fn of_the_order() -> Vec<Case> {
    let timeline = || case("orders-api", "orders/{order_id}/timeline", Shows::Items(EVENTS + SAID));
    let state = |pointer, value| case("orders-api", "orders/{order_id}/snapshot", Shows::Value(pointer, value));
    vec![
        timeline(),
        timeline().when("by `occurred_at`", "order=occurred_at"),
        timeline().when("with attachments and corrections", "expand=attachments,corrections"),
        case("orders-api", "orders/{order_id}/timeline/aggregate", Shows::Value("/events", json!(EVENTS + SAID))),
        case("orders-api", "orders/{order_id}/events/{type}", Shows::Items(EVENTS)),
        // Earlier than the snapshot, which is of no use then.
        state("/events", json!(EVENTS - 3)).when("from the first event", format!("at={}", at(EVENTS - 4))),
        state("/base", json!("snap_1")).when("from a snapshot two events before its end", ""),
        state("/events", json!(EVENTS)).when("with who set each field", "explain=true"),
        case("snapshots-api", "orders/{order_id}/snapshots", Shows::Items(1)),
        case("snapshots-api", "snapshots/{snapshot_id}", Shows::Value("/snapshot_id", json!("snap_1"))),
    ]
}

fn of_the_ledger(events: u64) -> Vec<Case> {
    let last = (EVENTS + SAID) as u64;
    let range = format!("from={}&to={events}", events - last + 1);
    vec![
        case("ledger-api", "ledger/status", Shows::Value("/sequence", json!(events))),
        case("ledger-api", "ledger/checkpoint", Shows::Document),
        case("ledger-api", "ledger/keys", Shows::Value("/keys/0/kind", json!("checkpoint"))),
        case("ledger-api", "ledger/tile/{path}", Shows::Document),
        case("ledger-api", "ledger/consistency", Shows::Value("/from/size", json!(events - last)))
            .when("over the order's events", format!("from={}", events - last)),
        case("ledger-api", "ledger/proof", Shows::Document).when("of the order's events", range.clone()),
        case("ledger-api", "ledger/proof", Shows::Document)
            .when("of the order's events, with content", format!("{range}&content=true")),
        case("ledger-api", "ledger/anchors", Shows::Items(1)),
    ]
}
