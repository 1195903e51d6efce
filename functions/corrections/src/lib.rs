//! `/order-history/corrections`: events that put others right. The corrections of an event are listed below that event's
//! own path, in `functions/events`.

mod create_correction;
mod get_correction;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::{Gate, Routes, routes};
use store::{Log, schemas::SchemaCache};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct CorrectionsApi {
    pub log: Log,
    pub schemas: SchemaCache,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router<R: Routes<CorrectionsApi>>() -> R {
    R::default().routes(routes!(create_correction::create_correction)).routes(routes!(get_correction::get_correction))
}
