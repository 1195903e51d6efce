//! `ops-api`: whether every part of the service answers, and what came in and was refused.

mod get_diagnostics;
mod get_health;
pub mod probes;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::{Gate, Routes, routes};
use store::Failures;

pub use get_health::Health;

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct OpsApi {
    pub gate: Gate,
    pub failures: Failures,
    pub health: Health,
}

/// The routes.
#[must_use]
pub fn router<R: Routes<OpsApi>>() -> R {
    R::default().routes(routes!(get_health::get_health)).routes(routes!(get_diagnostics::get_diagnostics))
}
