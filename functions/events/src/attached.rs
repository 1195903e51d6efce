//! Which events have documents.

use std::collections::{BTreeSet, HashSet};

use domain::ids::{EventId, OrderId, TenantId};
use futures::{StreamExt, TryStreamExt, stream};
use store::{Log, StoreError, history::Documents, log::RecordedEvent};

/// How many orders are looked at in parallel.
const PARALLEL: usize = 16;

/// The events of an order that have a document which was not deleted, in one query.
pub(crate) async fn of_order(log: &Log, tenant: &TenantId, order_id: &OrderId) -> Result<HashSet<EventId>, StoreError> {
    let documents = Documents::read(log, tenant, order_id).await?;
    let there = documents.iter().filter(|attached| attached.deleted.is_none());
    Ok(there.map(|attached| attached.registered.record.event_id.clone()).collect())
}

/// The same for all orders of these events: one query for each order.
pub(crate) async fn of_events(
    log: &Log,
    tenant: &TenantId,
    events: &[RecordedEvent],
) -> Result<HashSet<EventId>, StoreError> {
    let orders: BTreeSet<_> = events.iter().map(|recorded| recorded.entry.event.order_id.clone()).collect();
    stream::iter(orders)
        .map(|order_id| async move { of_order(log, tenant, &order_id).await })
        .buffer_unordered(PARALLEL)
        .try_concat()
        .await
}
