//! Snapshots as the API shows them.

use domain::{
    ids::{OrderId, SnapshotId, TenantId},
    record::{Record, SnapshotDeleted, SnapshotStored},
    time::Timestamp,
};
use http_api::{Problem, resources};
use serde::Serialize;
use serde_json::{Map, Value};
use store::history::Said;
use utoipa::ToSchema;

use crate::SnapshotsApi;

/// What is known of a stored state, apart from the state itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Summary {
    #[schema(value_type = String, example = "snap_1")]
    snapshot_id: SnapshotId,
    #[schema(value_type = String, example = "ord_123")]
    order_id: OrderId,
    /// When the order was in this state, by whoever stored it. In UTC.
    #[schema(value_type = String, format = DateTime)]
    captured_at: Timestamp,
    /// Who stored it.
    #[schema(example = "order-service")]
    source: String,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// SHA-256 of the state's canonical JSON (RFC 8785), in hexadecimal. It is part of the event that records the snapshot.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// The length of that JSON.
    size_bytes: u64,
    /// Whether reading the order's state may start from it, because it is what the events came to when it was stored.
    is_base: bool,
    /// The number in the tenant's log of the event that records it.
    #[schema(minimum = 1)]
    sequence: u64,
    /// When it was stored. In UTC.
    #[schema(value_type = String, format = DateTime)]
    stored_at: Timestamp,
    /// Who sent it: the subject of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    stored_by: Option<String>,
    /// That it was deleted; the state is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    deleted: Option<resources::Deletion>,
}

/// A stored state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Snapshot {
    #[serde(flatten)]
    pub(crate) summary: Summary,
    /// Missing when it was deleted, and when it is larger than 256 KiB: then `download` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, required = false)]
    pub(crate) state: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(crate) download: Option<resources::Download>,
}

/// A snapshot and its tombstone, as they were recorded.
pub(crate) struct Found {
    pub(crate) order_id: OrderId,
    pub(crate) stored: Said<SnapshotStored>,
    pub(crate) deleted: Option<Said<SnapshotDeleted>>,
}

impl Found {
    pub(crate) fn summary(&self) -> Summary {
        summary(&self.order_id, &self.stored, self.deleted.as_ref())
    }
}

pub(crate) fn summary(
    order_id: &OrderId,
    stored: &Said<SnapshotStored>,
    deleted: Option<&Said<SnapshotDeleted>>,
) -> Summary {
    let record = &stored.record;
    Summary {
        snapshot_id: record.snapshot_id.clone(),
        order_id: order_id.clone(),
        captured_at: record.captured_at,
        source: record.source.clone(),
        metadata: record.metadata.clone(),
        sha256: record.sha256.clone(),
        size_bytes: record.size_bytes,
        is_base: record.base.is_some() && deleted.is_none(),
        sequence: stored.sequence,
        stored_at: stored.received_at,
        stored_by: stored.actor.clone(),
        deleted: deleted.map(|said| resources::Deletion::new(said, said.record.reason.clone())),
    }
}

/// What is recorded of a snapshot; none when nothing is.
pub(crate) async fn find(
    api: &SnapshotsApi,
    tenant: &TenantId,
    snapshot_id: &SnapshotId,
) -> Result<Option<Found>, Problem> {
    let stored = SnapshotStored::id_of(snapshot_id).map_err(|error| Problem::internal(&error))?;
    let deleted = SnapshotDeleted::id_of(snapshot_id).map_err(|error| Problem::internal(&error))?;
    let (stored, deleted) = tokio::try_join!(api.log.event(tenant, &stored), api.log.event(tenant, &deleted))?;
    let Some(event) = stored else { return Ok(None) };
    let stored = Said::of(&event).ok_or_else(|| Problem::internal(&"a record of a snapshot cannot be read"))?;
    let deleted = deleted.as_ref().and_then(Said::of);
    Ok(Some(Found { order_id: event.entry.event.order_id, stored, deleted }))
}
