//! `/order-history/schemas`: what the payloads of a tenant's events look like.

mod get_schema;
mod list_schemas;
mod register_schema;
mod resource;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::Gate;
use store::Schemas;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct SchemasApi {
    pub schemas: Schemas,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router() -> OpenApiRouter<SchemasApi> {
    OpenApiRouter::new()
        .routes(routes!(list_schemas::list_schemas, register_schema::register_schema))
        .routes(routes!(get_schema::get_schema))
}
