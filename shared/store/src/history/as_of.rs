//! The state of an order at an instant.
//!
//! 1. Corrections and records of stored states are read, in one query.
//! 2. The nearest stored state that can be used is read.
//! 3. The events that it does not hold are read and folded on top of it.
//!
//! Whether the stored state holds all that it should, nobody knows before the events were read: one that happened before
//! the state and was recorded after it makes the state useless, as does a correction of an event in it. Then the next
//! earlier one is tried, and soon none at all.
//!
//! A correction that comes by among the events and was not there when the corrections were read means that it was recorded
//! meanwhile. Then everything is read again, so that no answer holds what happened later without what was put right before.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use domain::{
    ids::{EventId, OrderId, SnapshotId, TenantId},
    order::{
        AsOf, Fold, FoldError, FoldRule, Folded, Position, Recorded, SnapshotHeader, StoredState, Unusable, View,
        snapshot::{Place, nearest},
    },
    record::{Base, SnapshotStored, is_record},
    time::Timestamp,
};
use serde_json::Map;

use super::{
    Failure, History, Linked, Reading,
    in_order::{Follower, Look, Span, follow},
    recorded,
};
use crate::{
    error::StoreError,
    log::RecordedEvent,
    schemas::{Rules, rule_name},
};

/// How often everything is read again because corrections came in between.
const ATTEMPTS: u32 = 4;
/// How many stored states are tried before the fold begins with the first event.
const MAX_BASES: u32 = 3;

/// Which state is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Question {
    pub at: Option<Timestamp>,
    pub known_at: Option<Timestamp>,
    pub view: View,
    /// Which event set each field. The fold then starts with the first event: a stored state does not know.
    pub explain: bool,
}

/// A state, and how it was come by.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderState {
    pub folded: Folded,
    /// The last event of the order that was taken into account, by its sequence.
    pub through: u64,
    /// The stored state that the fold started from.
    pub base: Option<SnapshotId>,
    pub reading: Reading,
}

/// A fold of events, with what a stored state of it would have to remember.
pub(super) struct Told {
    pub(super) folded: Folded,
    pub(super) reading: Reading,
    pub(super) base: Option<SnapshotId>,
    /// The first event after the instant, by its sequence.
    pub(super) later: Option<u64>,
    /// How the events in the state were folded.
    pub(super) rules: BTreeMap<String, FoldRule>,
    /// The last of what was read before the events.
    pub(super) linked_through: u64,
    pub(super) nothing_linked: bool,
}

impl History {
    /// The state of an order; none when the order has no events at all.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn as_of(
        &self,
        tenant: &TenantId,
        order_id: &OrderId,
        question: Question,
    ) -> Result<Option<OrderState>, StoreError> {
        let Question { at, known_at, view, explain } = question;
        let as_of = AsOf { at, known_at, view, through: None };
        let told = self.tell(tenant, order_id, as_of, explain).await?;
        let through = told.reading.through.max(told.linked_through);
        if told.reading.read == 0 && told.nothing_linked {
            return Ok(None);
        }
        Ok(Some(OrderState { folded: told.folded, through, base: told.base, reading: told.reading }))
    }

    pub(super) async fn tell(
        &self,
        tenant: &TenantId,
        order_id: &OrderId,
        as_of: AsOf,
        explain: bool,
    ) -> Result<Told, Failure> {
        let mut attempt = 1;
        loop {
            let (linked, rules) = futures::try_join!(Linked::read(&self.log, tenant, order_id), self.rules.of(tenant))?;
            let telling = Telling { history: self, tenant, order_id, as_of, explain, linked: &linked, rules };
            match telling.tell().await {
                Err(Failure::Unread(_)) if attempt < ATTEMPTS => attempt += 1,
                told => return told,
            }
        }
    }
}

/// One attempt.
struct Telling<'a> {
    history: &'a History,
    tenant: &'a TenantId,
    order_id: &'a OrderId,
    as_of: AsOf,
    explain: bool,
    linked: &'a Linked,
    rules: Arc<Rules>,
}

impl Telling<'_> {
    async fn tell(&self) -> Result<Told, Failure> {
        let mut candidates = self.candidates();
        let mut located = BTreeMap::new();
        for _ in 0..MAX_BASES {
            let Some((snapshot, base)) = next(&candidates, &self.as_of) else { break };
            match self.from(snapshot, base, &located).await {
                Ok(Some(told)) => return Ok(told),
                Ok(None) => {}
                Err(Failure::Fold(FoldError::Unusable(unusable))) => {
                    let (snapshot_id, code) = (snapshot.snapshot_id.as_str(), unusable.to_string());
                    tracing::debug!(snapshot_id, reason = code, "a stored state cannot be started from");
                    self.exclude(&unusable, &mut candidates, &mut located).await?;
                }
                Err(other) => return Err(other),
            }
            candidates.retain(|(_, other)| other.header != base.header);
        }
        let corrections = self.linked.corrections(&BTreeMap::new())?;
        self.read(|| Fold::new(self.as_of, corrections.clone()), 0, None).await
    }

    /// The stored states that can be started from as far as is known without the events.
    fn candidates(&self) -> Vec<(&SnapshotStored, &Base)> {
        if self.explain {
            return Vec::new();
        }
        let stored = self.linked.snapshots.iter().map(|stored| &stored.record);
        let there = stored.filter(|record| !self.linked.deleted_snapshots.contains_key(&record.snapshot_id));
        let bases = there.filter_map(|record| Some((record, record.base.as_ref()?)));
        let as_now = |base: &Base| base.rules.iter().all(|(name, rule)| self.rules.named(name) == *rule);
        bases.filter(|(_, base)| as_now(base)).collect()
    }

    /// Takes out what cannot be used for the same reason.
    async fn exclude(
        &self,
        unusable: &Unusable,
        candidates: &mut Vec<(&SnapshotStored, &Base)>,
        located: &mut BTreeMap<EventId, Position>,
    ) -> Result<(), Failure> {
        let (Unusable::LateEvent { event_id } | Unusable::CorrectedSince { event_id }) = unusable else {
            return Ok(());
        };
        let Some(event) = self.history.log.event(self.tenant, event_id).await? else { return Ok(()) };
        let position = Position { occurred_at: event.entry.event.occurred_at, sequence: event.sequence };
        if let Unusable::LateEvent { .. } = unusable {
            candidates.retain(|(_, base)| base.header.place(position) != Place::Late);
        } else {
            located.insert(event_id.clone(), position);
        }
        Ok(())
    }

    /// The fold from a stored state on; none when that is not there, or not what it should be.
    async fn from(
        &self,
        snapshot: &SnapshotStored,
        base: &Base,
        located: &BTreeMap<EventId, Position>,
    ) -> Result<Option<Told>, Failure> {
        let corrections = self.linked.corrections(located)?;
        let header = base.header.clone();
        // Tried without the state first, which has to be fetched.
        let empty = StoredState { header: header.clone(), state: Map::new(), redacted: Vec::new() };
        Fold::resume(self.as_of, corrections.clone(), empty)?;
        let state = match self.history.states.get(self.tenant, snapshot).await {
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_err(StoreError::corrupt)?,
            Ok(None) => return Ok(None),
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(%error, snapshot_id = snapshot.snapshot_id.as_str(), "a stored state was changed");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let stored = StoredState { header, state, redacted: base.redacted.clone() };
        let fold = Fold::resume(self.as_of, corrections, stored)?;
        let mut told = self.read(|| fold.clone(), base.read_after, Some(&snapshot.snapshot_id)).await?;
        told.rules.extend(base.rules.clone());
        Ok(Some(told))
    }

    async fn read(&self, fold: impl Fn() -> Fold, after: u64, base: Option<&SnapshotId>) -> Result<Told, Failure> {
        let (corrections, corrected) = self.linked.corrected();
        let span = Span { after, through: self.as_of.through, window: self.history.window };
        let make = || Folding {
            fold: fold(),
            as_of: self.as_of,
            rules: &self.rules,
            corrections: &corrections,
            corrected: &corrected,
            later: None,
            used: BTreeMap::new(),
        };
        let (folding, reading) = follow(&self.history.log, self.tenant, self.order_id, span, make).await?;
        Ok(Told {
            folded: folding.fold.answer(self.explain)?,
            reading,
            base: base.cloned(),
            later: folding.later,
            rules: folding.used,
            linked_through: self.linked.through(self.as_of.known_at),
            nothing_linked: self.linked.is_empty(),
        })
    }
}

fn next<'a>(candidates: &[(&'a SnapshotStored, &'a Base)], as_of: &AsOf) -> Option<(&'a SnapshotStored, &'a Base)> {
    let headers: Vec<&SnapshotHeader> = candidates.iter().map(|(_, base)| &base.header).collect();
    let nearest = nearest(headers, as_of)?;
    candidates.iter().find(|(_, base)| base.header == *nearest).copied()
}

/// A fold that follows the events.
struct Folding<'a> {
    fold: Fold,
    as_of: AsOf,
    rules: &'a Rules,
    /// The ids of the corrections that were read.
    corrections: &'a HashSet<EventId>,
    /// The events with corrections.
    corrected: &'a HashSet<EventId>,
    later: Option<u64>,
    used: BTreeMap<String, FoldRule>,
}

impl Follower for Folding<'_> {
    type Error = Failure;

    fn look(&mut self, event: RecordedEvent) -> Result<Look, Failure> {
        let (sequence, received_at) = (event.sequence, event.received_at);
        let said = &event.entry.event;
        if self.as_of.known_at.is_some_and(|known_at| known_at < received_at) {
            return Ok(Look::End);
        }
        if said.correction_of.is_some() {
            return match self.as_of.view {
                View::Corrected if !self.corrections.contains(&said.event_id) => {
                    Err(Failure::Unread(said.event_id.clone()))
                }
                View::Corrected | View::Original => Ok(Look::Skip),
            };
        }
        if is_record(&said.event_type) {
            return Ok(Look::Skip);
        }
        if self.as_of.at.is_some_and(|at| at < said.occurred_at) {
            self.later = Some(self.later.map_or(sequence, |later| later.min(sequence)));
            // The fold wants to see that a corrected event comes after the instant.
            if !self.corrected.contains(&said.event_id) {
                return Ok(Look::Skip);
            }
        }
        let mut event = recorded(event);
        event.event.metadata = Map::new();
        Ok(Look::Keep(Box::new(event)))
    }

    fn take(&mut self, event: Recorded) -> Result<(), Failure> {
        let name = rule_name(&event.event.event_type, &event.event.schema_version);
        let rule = self.rules.named(&name);
        if self.as_of.at.is_none_or(|at| event.event.occurred_at <= at) {
            self.used.entry(name).or_insert_with(|| rule.clone());
        }
        self.fold.apply(event, &rule)?;
        Ok(())
    }
}
