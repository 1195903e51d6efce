//! `/order-history/ledger`: the log as a whole, and what proves it.

mod get_checkpoint;
mod get_consistency;
mod get_range_proof;
mod get_status;
mod get_tile;
mod list_anchors;
mod list_keys;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::{Gate, Routes, routes};
use store::{
    Log,
    tree::{Ranges, Trees},
};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct LedgerApi {
    pub log: Log,
    pub trees: Trees,
    pub ranges: Ranges,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router<R: Routes<LedgerApi>>() -> R {
    R::default()
        .routes(routes!(get_status::get_status))
        .routes(routes!(get_checkpoint::get_checkpoint))
        .routes(routes!(get_tile::get_tile))
        .routes(routes!(list_keys::list_keys))
        .routes(routes!(get_range_proof::get_range_proof))
        .routes(routes!(get_consistency::get_consistency))
        .routes(routes!(list_anchors::list_anchors))
}
