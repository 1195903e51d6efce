//! `/order-history/schemas`: what the payloads of a tenant's events look like.

mod get_schema;
mod list_schemas;
mod register_schema;
mod resource;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::{Gate, Routes, routes};
use store::Schemas;

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct SchemasApi {
    pub schemas: Schemas,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router<R: Routes<SchemasApi>>() -> R {
    R::default()
        .routes(routes!(list_schemas::list_schemas, register_schema::register_schema))
        .routes(routes!(get_schema::get_schema))
}
