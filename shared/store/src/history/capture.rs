//! Whether a state that somebody stores is the one that the order's events come to.

use std::time::Duration;

use domain::{
    ids::{OrderId, SnapshotId, TenantId},
    json,
    order::{AsOf, View},
    record::Base,
    time::Timestamp,
};
use serde_json::{Map, Value};

use super::{History, as_of::Told};
use crate::error::StoreError;

/// How long we wait for the index to be complete. On a log that is written to without a pause that may be never.
const COMPLETE_WITHIN: Duration = Duration::from_secs(3);

/// A state to be stored, held against the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Captured {
    /// Whether the order's events come to this state.
    pub matches: bool,
    /// What a later fold needs to start from it. Not every state that matches has one: there must be an event in it, and
    /// the index must be known to be complete up to somewhere.
    pub base: Option<Base>,
}

impl History {
    /// Holds a state against the fold of the order's events at the instant.
    ///
    /// A fold that starts from a stored state trusts that it holds every event up to a place in the log. So that place must
    /// not lie behind an event that is committed and not in the index yet: it is the watermark.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn capture(
        &self,
        tenant: &TenantId,
        order_id: &OrderId,
        snapshot_id: &SnapshotId,
        captured_at: Timestamp,
        view: View,
        state: &Map<String, Value>,
    ) -> Result<Captured, StoreError> {
        let canonical = json::canonical(state);
        let complete = match tokio::time::timeout(COMPLETE_WITHIN, self.log.repair(tenant)).await {
            Ok(repaired) => Some(repaired?.watermark.saturating_sub(1)),
            Err(_) => None,
        };
        let as_of = AsOf { at: Some(captured_at), known_at: None, through: complete, view };
        let told = self.tell(tenant, order_id, as_of, false).await?;
        let matches = json::canonical(&told.folded.state) == canonical;
        let base = if matches { base(told, snapshot_id, complete, view) } else { None };
        Ok(Captured { matches, base })
    }
}

fn base(told: Told, snapshot_id: &SnapshotId, complete: Option<u64>, view: View) -> Option<Base> {
    let read_after = told.later.map_or(complete?, |later| later.saturating_sub(1).min(complete.unwrap_or_default()));
    let rules = told.rules;
    let stored = told.folded.into_stored(snapshot_id.to_string(), view)?;
    Some(Base { header: stored.header, read_after, redacted: stored.redacted, rules })
}
