//! `/order-history/events`: recording, validating, reading and verifying events.

mod create_event;
mod get_event;
mod list_events;
#[cfg(test)]
mod tests;
mod validate_events;
mod verify_event;

use axum::extract::FromRef;
use http_api::Gate;
use store::{Log, schemas::SchemaCache};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct EventsApi {
    pub log: Log,
    pub schemas: SchemaCache,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router() -> OpenApiRouter<EventsApi> {
    OpenApiRouter::new()
        .routes(routes!(list_events::list_events, create_event::create_event))
        .routes(routes!(validate_events::validate_events))
        .routes(routes!(get_event::get_event))
        .routes(routes!(verify_event::verify_event))
}
