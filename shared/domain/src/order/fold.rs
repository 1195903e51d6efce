//! The state of an order at an instant.
//!
//! Two clocks. `at` asks what had happened: events count that occurred up to and at it. `known_at` asks what we knew:
//! events and corrections count that had been received up to and at it. A correction counts in the place of the event
//! that it puts right, whenever it happened itself.
//!
//! The events stream through; in memory are the state and the order's corrections. The same events give the same state,
//! however they were batched when they came or when they are read, and its canonical JSON (RFC 8785) is the same bytes.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Corrections, Explanation, FoldRule, InvalidCorrection, Origin, Pointer, Position, Recorded, SnapshotHeader,
    StoredState, Unusable,
    correction::Known,
    node::{self, Members},
    snapshot::Place,
};
use crate::{ids::EventId, record, time::Timestamp};

/// What becomes of corrections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// They count in the place of what they correct.
    #[default]
    Corrected,
    /// They are left out, as if nobody had noticed.
    Original,
}

/// Which state is asked for. Everything, corrected, unless something is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AsOf {
    /// Only what occurred up to and at this instant.
    pub at: Option<Timestamp>,
    /// Only what had been received up to and at this instant.
    pub known_at: Option<Timestamp>,
    /// Only what stands in the log up to this sequence: where the log ended before the reading began. Corrections and
    /// events, which are read one after the other, then have the same end.
    pub through: Option<u64>,
    pub view: View,
}

impl AsOf {
    /// Whether something with this place in the log counts.
    #[must_use]
    pub fn knows(&self, sequence: u64, received_at: Timestamp) -> bool {
        self.through.is_none_or(|through| sequence <= through)
            && self.known_at.is_none_or(|known_at| received_at <= known_at)
    }
}

/// Why a state cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    #[error("event {event_id} was given out of order")]
    OutOfOrder { event_id: EventId },
    #[error("correction {event_id} was not among the corrections that the fold began with")]
    UnknownCorrection { event_id: EventId },
    #[error(transparent)]
    Correction(#[from] InvalidCorrection),
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its rule was applied.
    Folded,
    /// It is a correction or a [record](crate::record), was not known then, or is in the stored state already.
    Skipped,
    /// It occurred after the instant, as will all that follow: reading can stop.
    Past,
}

/// A fold under way: give it the order's events with [`apply`](Self::apply), then ask for the [`answer`](Self::answer).
#[derive(Debug, Clone)]
pub struct Fold {
    as_of: AsOf,
    corrections: Known,
    start: Option<SnapshotHeader>,
    /// Corrected after the stored state, and not yet seen to come after it.
    unplaced: BTreeSet<EventId>,
    state: Members,
    previous: Option<Position>,
    occurred_at: Option<Timestamp>,
    known_at: Option<Timestamp>,
    events: u64,
}

/// A state, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    pub state: Map<String, Value>,
    /// The erased fields of the state; each is `null` in it.
    pub redacted: Vec<Pointer>,
    /// Where each field comes from, if that was asked.
    pub explained: Option<Explanation>,
    /// How many events were folded, without those in the stored state.
    pub events: u64,
    /// When the last of them occurred, or that of the stored state.
    pub occurred_at: Option<Timestamp>,
    /// Up to where the state holds everything; there when it has at least one event. [`AsOf::through`] must have been
    /// given, as else nobody knows where the log ended, and [`AsOf::known_at`] not, as it may end the log sooner.
    pub position: Option<Position>,
    /// When the last event or correction in it was recorded.
    pub known_at: Option<Timestamp>,
    /// Events with corrections that were not met: they occurred after the instant, or before the stored state.
    pub unmet: Vec<EventId>,
}

impl Folded {
    /// The state in the form in which a later fold can start from it; none without a [`position`](Self::position).
    #[must_use]
    pub fn into_stored(self, snapshot_id: String, view: View) -> Option<StoredState> {
        let (position, known_at) = self.position.zip(self.known_at)?;
        let header = SnapshotHeader { snapshot_id, view, position, known_at };
        Some(StoredState { header, state: self.state, redacted: self.redacted })
    }
}

impl Fold {
    /// A fold from the first event on. `corrections` are all of the order, or those that count; with
    /// [`View::Original`] they are not looked at.
    #[must_use]
    pub fn new(as_of: AsOf, corrections: Corrections) -> Self {
        let corrections = match as_of.view {
            View::Corrected => corrections.known(&as_of),
            View::Original => Known::default(),
        };
        Self {
            as_of,
            known_at: corrections.received_at,
            corrections,
            start: None,
            unplaced: BTreeSet::new(),
            state: Members::new(),
            previous: None,
            occurred_at: None,
            events: 0,
        }
    }

    /// A fold from a stored state on. It takes the events after the state; others of the order may be among them.
    ///
    /// # Errors
    /// [`Unusable`]: then the caller starts from an earlier state, or from none.
    pub fn resume(as_of: AsOf, corrections: Corrections, stored: StoredState) -> Result<Self, Unusable> {
        let StoredState { header, state, redacted } = stored;
        header.usable(&as_of)?;
        let mut fold = Self::new(as_of, corrections);
        for (event_id, position) in fold.corrections.corrected_after(header.position.sequence) {
            match position.map(|position| header.place(position)) {
                None => {
                    fold.unplaced.insert(event_id.clone());
                }
                Some(Place::After) => {}
                Some(Place::Inside | Place::Late) => {
                    return Err(Unusable::CorrectedSince { event_id: event_id.clone() });
                }
            }
        }
        let origin = Origin::Snapshot { snapshot_id: header.snapshot_id.clone() };
        fold.state = node::document(state, &redacted, &Arc::new(origin));
        fold.occurred_at = Some(header.position.occurred_at);
        fold.known_at = fold.known_at.max(Some(header.known_at));
        fold.start = Some(header);
        Ok(fold)
    }

    /// Takes the next event of the order, by (`occurred_at`, `sequence`), and the rule of its type.
    ///
    /// # Errors
    /// [`FoldError`]. The fold is then of no more use.
    pub fn apply(&mut self, event: Recorded, rule: &FoldRule) -> Result<Step, FoldError> {
        let position = event.position();
        let event_id = &event.event.event_id;
        if self.previous.is_some_and(|previous| previous >= position) {
            return Err(FoldError::OutOfOrder { event_id: event_id.clone() });
        }
        self.previous = Some(position);
        if self.as_of.at.is_some_and(|at| at < position.occurred_at) {
            self.unplaced.remove(event_id);
            return Ok(Step::Past);
        }
        if !self.as_of.knows(position.sequence, event.received_at) {
            return Ok(Step::Skipped);
        }
        if event.event.correction_of.is_some() {
            return match self.as_of.view {
                View::Corrected if !self.corrections.contains(event_id) => {
                    Err(FoldError::UnknownCorrection { event_id: event_id.clone() })
                }
                View::Corrected | View::Original => Ok(Step::Skipped),
            };
        }
        // What is said about the order's history is not said about the order.
        if record::is_record(&event.event.event_type) {
            return Ok(Step::Skipped);
        }
        match self.start.as_ref().map(|start| start.place(position)) {
            None | Some(Place::After) => {}
            Some(Place::Late) => return Err(Unusable::LateEvent { event_id: event_id.clone() }.into()),
            Some(Place::Inside) if self.unplaced.contains(event_id) => {
                return Err(Unusable::CorrectedSince { event_id: event_id.clone() }.into());
            }
            Some(Place::Inside) => return Ok(Step::Skipped),
        }
        self.unplaced.remove(event_id);
        self.occurred_at = Some(position.occurred_at);
        self.known_at = self.known_at.max(Some(event.received_at));
        self.events += 1;
        let origin = Origin::Event { event_id: event_id.clone(), sequence: event.sequence, correction_of: None };
        let payload = self.corrections.patched(event)?;
        rule.apply(&mut self.state, payload, &Arc::new(origin));
        Ok(Step::Folded)
    }

    /// The state after the events so far.
    ///
    /// # Errors
    /// [`Unusable::CorrectedSince`]: an event was corrected after the stored state was made, and has not come by since.
    /// It may be in the state; [`Corrections::locate`] would have told.
    pub fn answer(&self, explain: bool) -> Result<Folded, Unusable> {
        if let Some(event_id) = self.unplaced.first() {
            return Err(Unusable::CorrectedSince { event_id: event_id.clone() });
        }
        let end = if self.as_of.known_at.is_none() { self.as_of.through } else { None };
        let position = self.occurred_at.zip(end);
        Ok(Folded {
            state: node::shown(&self.state),
            redacted: node::redacted(&self.state),
            explained: explain.then(|| node::explained(&self.state)),
            events: self.events,
            occurred_at: self.occurred_at,
            position: position.map(|(occurred_at, sequence)| Position { occurred_at, sequence }),
            known_at: self.known_at,
            unmet: self.corrections.unused(),
        })
    }
}
