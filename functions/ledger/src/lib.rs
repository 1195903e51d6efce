//! `/order-history/ledger`: the log as a whole.

mod get_status;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::Gate;
use store::Log;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct LedgerApi {
    pub log: Log,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router() -> OpenApiRouter<LedgerApi> {
    OpenApiRouter::new().routes(routes!(get_status::get_status))
}
