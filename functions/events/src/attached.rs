//! Which events have documents.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    pin::pin,
};

use domain::{
    ids::{AttachmentId, EventId, OrderId, TenantId},
    record::{AttachmentDeleted, AttachmentRegistered, Record},
};
use futures::{StreamExt, TryStreamExt, stream};
use store::{Log, StoreError, log::RecordedEvent};

/// How many orders are looked at in parallel.
const PARALLEL: usize = 16;

/// The events of an order that have a document which was not deleted, in one query.
pub(crate) async fn of_order(log: &Log, tenant: &TenantId, order_id: &OrderId) -> Result<HashSet<EventId>, StoreError> {
    let mut linked = pin!(log.linked(tenant, order_id));
    let mut attached: HashMap<AttachmentId, EventId> = HashMap::new();
    while let Some(recorded) = linked.try_next().await? {
        let event = &recorded.entry.event;
        if let Some(registered) = AttachmentRegistered::of(event) {
            attached.insert(registered.attachment_id, registered.event_id);
        } else if let Some(deleted) = AttachmentDeleted::of(event) {
            attached.remove(&deleted.attachment_id);
        }
    }
    Ok(attached.into_values().collect())
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
