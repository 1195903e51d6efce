//! The events of the model, small and few.

use std::sync::Arc;

use domain::{
    event::{Event, TenantSource},
    ids::TenantId,
    time::Timestamp,
};
use ledger::{Origin, Secret};
use store::log::{Draft, Submission, port::LogName};

/// 2025-08-29T12:00:00Z, in milliseconds since 1970.
const NOON: i64 = 1_756_468_800_000;

/// The log that all write to.
pub(crate) fn log() -> Arc<LogName> {
    let tenant: TenantId = "acme".parse().unwrap();
    Arc::new(LogName { origin: Origin::new("history.example.com", &tenant), tenant })
}

/// An event; with an apostrophe at the end of its name, another content under the same id.
pub(crate) fn event(name: &str) -> Event {
    let (id, carrier) = name.strip_suffix('\'').map_or((name, "DHL"), |id| (id, "UPS"));
    let text = format!(
        r#"{{"event_id":"{id}","order_id":"o","occurred_at":"2025-08-29T12:00:00Z","source":"s","type":"t",
        "schema_version":"v1","payload":{{"carrier":"{carrier}"}},"tenant_id":"acme"}}"#
    );
    domain::event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1
}

/// A submission of an event; `secret` tells it from every other one.
pub(crate) fn draft(name: &str, secret: u8) -> Arc<Draft> {
    let submission = Submission { event: event(name), schema: None };
    Arc::new(Draft::new(submission, Secret::new([secret; 32])).unwrap())
}

/// An instant, in milliseconds from noon.
pub(crate) fn noon(millis: i64) -> Timestamp {
    Timestamp::clamped_from_millis(NOON + millis)
}
