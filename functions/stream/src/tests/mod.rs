//! The stream, over logs in this process.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod client;
mod cost;
mod handler;
mod polls;
mod races;
mod windows;

use std::sync::Arc;

use domain::{
    event::{self, TenantSource},
    filter::EventFilter,
    ids::TenantId,
};
use store::{
    Clock, Log,
    log::{Submission, memory::MemoryTables},
};

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// An event whose payload has line ends of every kind in it.
fn submission(id: &str, event_type: &str) -> Submission {
    let text = format!(
        r#"{{"event_id":"{id}","order_id":"ord_1","occurred_at":"2025-08-29T12:00:00Z","source":"warehouse",
        "type":"{event_type}","schema_version":"v1","payload":{{"note":"a\r\nb\n\nid: 9\r\u2028"}},"tenant_id":"acme"}}"#
    );
    Submission { event: event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1, schema: None }
}

fn log() -> Log {
    Log::over(Arc::new(MemoryTables::default()), Clock::System)
}

/// Records events of a type.
async fn append(log: &Log, ids: &[&str], event_type: &str) {
    log.append(&acme(), ids.iter().map(|id| submission(id, event_type)).collect()).await.unwrap();
}

fn everything() -> EventFilter {
    EventFilter::default()
}

fn only(event_type: &str) -> EventFilter {
    EventFilter { event_type: Some(event_type.parse().unwrap()), ..EventFilter::default() }
}
