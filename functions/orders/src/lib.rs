//! `/order-history/orders`: which orders there are, and what happened to one of them.

mod expand;
mod get_aggregate;
mod get_snapshot_at;
mod get_timeline;
mod list_events_by_type;
mod list_orders;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use http_api::{Gate, Routes, routes};
use store::{History, Log, Orders};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct OrdersApi {
    pub log: Log,
    pub orders: Orders,
    pub history: History,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router<R: Routes<OrdersApi>>() -> R {
    R::default()
        .routes(routes!(list_orders::list_orders))
        .routes(routes!(get_timeline::get_timeline))
        .routes(routes!(get_aggregate::get_aggregate))
        .routes(routes!(list_events_by_type::list_events_by_type))
        .routes(routes!(get_snapshot_at::get_snapshot_at))
}
