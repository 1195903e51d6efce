//! `/order-history/events/stream`: events as they are recorded.

mod accept;
mod long_poll;
mod pace;
mod sse;
mod stream_events;
#[cfg(test)]
mod tests;
mod window;

use axum::extract::FromRef;
use http_api::{Gate, Routes, Transfer, routes};
use store::Log;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct StreamApi {
    pub log: Log,
    pub gate: Gate,
    /// How answers leave the function.
    pub transfer: Transfer,
}

impl FromRef<StreamApi> for Gate {
    fn from_ref(api: &StreamApi) -> Self {
        api.gate.clone()
    }
}

/// The routes of this family.
#[must_use]
pub fn router<R: Routes<StreamApi>>() -> R {
    R::default().routes(routes!(stream_events::stream_events))
}
