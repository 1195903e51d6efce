//! `/order-history/events`: recording, validating, reading and verifying events.

mod attached;
mod create_event;
mod get_event;
mod get_proof;
mod list_attachments;
mod list_corrections;
mod list_events;
#[cfg(test)]
mod tests;
mod validate_events;
mod verify_event;

use axum::extract::FromRef;
use domain::ids::TenantId;
use http_api::{Gate, Routes, routes};
use ledger::{LeafEntry, commitment};
use store::{
    Log,
    log::{Entry, RecordedEvent},
    schemas::SchemaCache,
    tree::Trees,
};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct EventsApi {
    pub log: Log,
    pub schemas: SchemaCache,
    pub trees: Trees,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router<R: Routes<EventsApi>>() -> R {
    R::default()
        .routes(routes!(list_events::list_events, create_event::create_event))
        .routes(routes!(validate_events::validate_events))
        .routes(routes!(get_event::get_event))
        .routes(routes!(verify_event::verify_event))
        .routes(routes!(get_proof::get_proof))
        .routes(routes!(list_corrections::list_corrections))
        .routes(routes!(list_attachments::list_attachments))
}

/// The line of the log, computed from the event as it is stored.
fn leaf_entry(log: &Log, tenant: &TenantId, recorded: &RecordedEvent) -> LeafEntry {
    let Entry { event, opening, .. } = &recorded.entry;
    let content = commitment::content(opening, &event.payload, &event.metadata);
    LeafEntry::new(event, content, &log.origin(tenant), recorded.sequence, recorded.received_at)
}
