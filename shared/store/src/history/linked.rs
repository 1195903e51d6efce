//! What is said about an order's events: corrections, and records of stored states.

use std::{
    collections::{BTreeMap, HashSet},
    pin::pin,
};

use domain::{
    ids::{EventId, OrderId, SnapshotId, TenantId},
    order::{Corrections, InvalidCorrection, Position},
    record::{Record, SnapshotDeleted, SnapshotStored},
    time::Timestamp,
};
use futures::TryStreamExt;

use super::recorded;
use crate::{
    error::StoreError,
    log::{Log, RecordedEvent},
};

/// All of it that was in the index when it was read, in the sequence of the log.
#[derive(Debug, Clone, Default)]
pub struct Linked {
    pub corrections: Vec<RecordedEvent>,
    pub snapshots: Vec<Said<SnapshotStored>>,
    /// By snapshot: when and why it was deleted.
    pub deleted_snapshots: BTreeMap<SnapshotId, Said<SnapshotDeleted>>,
    /// Of each, in their sequence: where and when it was recorded.
    pub(super) times: Vec<(u64, Timestamp)>,
}

/// A record with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Said<T> {
    pub sequence: u64,
    pub received_at: Timestamp,
    /// Who asked for it.
    pub actor: Option<String>,
    pub record: T,
}

impl<T: Record> Said<T> {
    /// What an event says, if it is such a record.
    #[must_use]
    pub fn of(event: &RecordedEvent) -> Option<Self> {
        let RecordedEvent { sequence, received_at, ref entry, .. } = *event;
        let record = T::of(&entry.event)?;
        Some(Self { sequence, received_at, actor: entry.event.actor_id().map(str::to_owned), record })
    }
}

impl Linked {
    /// One query, unless there are more than a thousand.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn read(log: &Log, tenant: &TenantId, order_id: &OrderId) -> Result<Self, StoreError> {
        let mut linked = Self::default();
        let mut events = pin!(log.linked(tenant, order_id));
        while let Some(event) = events.try_next().await? {
            linked.add(event);
        }
        Ok(linked)
    }

    fn add(&mut self, event: RecordedEvent) {
        self.times.push((event.sequence, event.received_at));
        if event.entry.event.correction_of.is_some() {
            self.corrections.push(event);
        } else if let Some(stored) = Said::of(&event) {
            self.snapshots.push(stored);
        } else if let Some(deleted) = Said::<SnapshotDeleted>::of(&event) {
            self.deleted_snapshots.insert(deleted.record.snapshot_id.clone(), deleted);
        }
    }

    /// The corrections, for a fold. `located`: where some of what they correct stands.
    ///
    /// # Errors
    /// [`InvalidCorrection`], which cannot have been recorded.
    pub(super) fn corrections(&self, located: &BTreeMap<EventId, Position>) -> Result<Corrections, InvalidCorrection> {
        let mut corrections = Corrections::default();
        for correction in &self.corrections {
            corrections.add(recorded(correction.clone()))?;
        }
        for (event_id, position) in located {
            corrections.locate(event_id.clone(), *position);
        }
        Ok(corrections)
    }

    /// The ids of the corrections, and of what they correct.
    pub(super) fn corrected(&self) -> (HashSet<EventId>, HashSet<EventId>) {
        let ids = self.corrections.iter().map(|event| event.entry.event.event_id.clone()).collect();
        let of = self.corrections.iter().filter_map(|event| event.entry.event.correction_of.clone()).collect();
        (ids, of)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The last sequence of those that had been received at an instant; 0 when there was none.
    pub(super) fn through(&self, known_at: Option<Timestamp>) -> u64 {
        let known =
            self.times.iter().filter(|(_, received_at)| known_at.is_none_or(|known_at| *received_at <= known_at));
        known.map(|(sequence, _)| *sequence).max().unwrap_or_default()
    }
}
