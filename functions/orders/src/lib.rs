//! `/order-history/orders`: what happened to one order.

mod get_timeline;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::Gate;
use store::Log;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct OrdersApi {
    pub log: Log,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router() -> OpenApiRouter<OrdersApi> {
    OpenApiRouter::new().routes(routes!(get_timeline::get_timeline))
}
