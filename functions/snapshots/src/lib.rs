//! `/order-history/snapshots`: stored states of orders. A snapshot is stored once and never changes; its hash is an event of
//! the order's history, and so is its deletion.

mod create_snapshot;
mod delete_snapshot;
mod get_snapshot;
mod list_snapshots;
mod resource;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::{Gate, Routes, routes};
use store::{History, Log};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct SnapshotsApi {
    pub log: Log,
    pub history: History,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router<R: Routes<SnapshotsApi>>() -> R {
    R::default()
        .routes(routes!(create_snapshot::create_snapshot, list_snapshots::list_snapshots))
        .routes(routes!(get_snapshot::get_snapshot, delete_snapshot::delete_snapshot))
}
