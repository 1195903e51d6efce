//! A page of events, as soon as there is one.

use std::time::Duration;

use http_api::{PAGE_BYTES, Problem, resources::Event};
use serde::Serialize;
use store::log::Tail;
use tokio::time::{Instant, sleep_until};
use utoipa::ToSchema;

use crate::pace::Pace;

/// How many events one answer looks at, at least, before it comes back with less than it was asked for.
const MAX_LOOKED_AT: u64 = 10_000;

/// Events that were recorded after a position.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamPage {
    /// In the order of the ledger.
    pub(crate) items: Vec<Event>,
    /// What to send as `after` next: the sequence number of the last event that was looked at, whether it matched or not.
    pub(crate) next_after: u64,
}

/// Comes back with what there is, or when something comes, or when `wait` is over; with `limit` events at most.
pub(crate) async fn page(mut tail: Tail, wait: Duration, limit: usize) -> Result<StreamPage, Problem> {
    let ends = Instant::now() + wait;
    let until = tail.position().saturating_add(MAX_LOOKED_AT);
    let (mut items, mut bytes, mut pace): (Vec<Event>, _, _) = (Vec::new(), 0, Pace::new());
    while items.len() < limit && bytes < PAGE_BYTES && tail.position() < until {
        match tail.read(limit - items.len(), PAGE_BYTES - bytes).await? {
            Some(batch) => {
                bytes += batch.bytes;
                items.extend(batch.events.into_iter().map(Event::from));
                pace.quicken();
            }
            None if !items.is_empty() || Instant::now() >= ends => break,
            None => sleep_until(ends.min(Instant::now() + pace.pause())).await,
        }
    }
    metrics::counter!("EventsStreamed").increment(items.len() as u64);
    Ok(StreamPage { items, next_after: tail.position() })
}
