//! Corrections: what an event's payload becomes by what was said about it later.
//!
//! A correction is an event of the same order whose payload is a JSON Merge Patch (RFC 7396) over the payload of the
//! event that it names. Several corrections of one event apply in the order of their sequence; a correction of a
//! correction is first merged into that one's patch. A correction is recorded after what it corrects, so chains have an
//! end: cycles cannot be recorded, and are refused here should a caller build one.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{
    AsOf, Explanation, Pointer, Position, Recorded,
    merge_patch::merge,
    node::{self, Members},
};
use crate::{
    event::Event,
    ids::{EventId, OrderId},
    record,
    time::Timestamp,
};

/// The type of a correction whose sender names none.
pub const CORRECTED: &str = "order.corrected";

/// Why an event cannot be recorded, or read, as a correction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCorrection {
    #[error("the event does not name an event that it corrects")]
    NotACorrection,
    #[error("an event cannot correct itself")]
    Itself,
    #[error("what the service itself records is not corrected")]
    OfARecord,
    #[error("there is no event with the id in correction_of")]
    UnknownOriginal,
    #[error("the corrected event belongs to another order")]
    OtherOrder,
    #[error("event {event_id} corrects an event that was recorded after it")]
    BeforeOriginal { event_id: EventId },
    #[error("correction {event_id} was given twice")]
    Twice { event_id: EventId },
}

/// Says whether `correction` may be recorded; `original` is the order of the same tenant's event with the id in
/// `correction_of`, if there is one.
///
/// # Errors
/// [`InvalidCorrection`]: it names no event, itself, a record, an unknown event or another order's.
pub fn check(correction: &Event, original: Option<&OrderId>) -> Result<(), InvalidCorrection> {
    let named = correction.correction_of.as_ref().ok_or(InvalidCorrection::NotACorrection)?;
    if *named == correction.event_id {
        return Err(InvalidCorrection::Itself);
    }
    if record::is_record_id(named) {
        return Err(InvalidCorrection::OfARecord);
    }
    let original = original.ok_or(InvalidCorrection::UnknownOriginal)?;
    if *original != correction.order_id {
        return Err(InvalidCorrection::OtherOrder);
    }
    Ok(())
}

/// The corrections of an order, collected before its events are folded: they may have happened long after the event in
/// whose place they count. This is what a fold holds in memory beside the state.
#[derive(Debug, Clone, Default)]
pub struct Corrections {
    collected: HashMap<EventId, Correction>,
    /// By corrected event: its first correction.
    first: HashMap<EventId, u64>,
    located: HashMap<EventId, Position>,
}

#[derive(Debug, Clone)]
struct Correction {
    sequence: u64,
    received_at: Timestamp,
    correction_of: EventId,
    patch: Members,
}

impl Corrections {
    /// Takes one correction; they may come in any order.
    ///
    /// # Errors
    /// [`InvalidCorrection`]: it is none, corrects itself or a later event, or is there already.
    pub fn add(&mut self, recorded: Recorded) -> Result<(), InvalidCorrection> {
        let Recorded { sequence, received_at, ref event, .. } = recorded;
        let event_id = event.event_id.clone();
        let correction_of = event.correction_of.clone().ok_or(InvalidCorrection::NotACorrection)?;
        if correction_of == event_id {
            return Err(InvalidCorrection::Itself);
        }
        if self.collected.contains_key(&event_id) {
            return Err(InvalidCorrection::Twice { event_id });
        }
        if self.collected.get(&correction_of).is_some_and(|original| original.sequence >= sequence) {
            return Err(InvalidCorrection::BeforeOriginal { event_id });
        }
        self.not_corrected_before(&event_id, sequence)?;
        let first = self.first.entry(correction_of.clone()).or_insert(sequence);
        *first = sequence.min(*first);
        let patch = node::payload(recorded);
        self.collected.insert(event_id, Correction { sequence, received_at, correction_of, patch });
        Ok(())
    }

    /// Tells where a corrected event stands, where that is known without reading it: a fold from a stored state then
    /// knows at its start whether a new correction concerns the state ([`Unusable::CorrectedSince`]).
    ///
    /// [`Unusable::CorrectedSince`]: super::Unusable::CorrectedSince
    pub fn locate(&mut self, original: EventId, position: Position) {
        self.located.insert(original, position);
    }

    /// The event with its corrections, all of them.
    ///
    /// # Errors
    /// [`InvalidCorrection::BeforeOriginal`].
    pub fn effective(self, event: Recorded) -> Result<Effective, InvalidCorrection> {
        let members = self.known(&AsOf::default()).patched(event)?;
        Ok(Effective {
            payload: node::shown(&members),
            redacted: node::redacted(&members),
            explained: node::explained(&members),
        })
    }

    fn not_corrected_before(&self, event_id: &EventId, sequence: u64) -> Result<(), InvalidCorrection> {
        match self.first.get(event_id) {
            Some(first) if *first <= sequence => Err(InvalidCorrection::BeforeOriginal { event_id: event_id.clone() }),
            Some(_) | None => Ok(()),
        }
    }

    /// Merges the corrections that count into patches of the events that are none.
    pub(super) fn known(self, as_of: &AsOf) -> Known {
        let mut known = Known { located: self.located, ..Known::default() };
        let mut collected: Vec<_> =
            self.collected.into_iter().filter(|(_, c)| as_of.knows(c.sequence, c.received_at)).collect();
        collected.sort_unstable_by_key(|(_, correction)| std::cmp::Reverse(correction.sequence));
        // From the last to the first: when a correction's turn comes, its own corrections are complete.
        for (event_id, Correction { sequence, received_at, correction_of, mut patch }) in collected {
            let mut last = sequence;
            if let Some(own) = known.patches.remove(&event_id) {
                last = own.last;
                own.merge_into(&mut patch);
            }
            known.received_at = known.received_at.max(Some(received_at));
            known.corrections.insert(event_id);
            let patches = known.patches.entry(correction_of).or_insert(Patches {
                first: sequence,
                last,
                latest_first: Vec::new(),
            });
            patches.first = sequence;
            patches.last = last.max(patches.last);
            patches.latest_first.push(patch);
        }
        known
    }
}

/// An event's payload as its corrections leave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    pub payload: Map<String, Value>,
    /// The erased fields in it.
    pub redacted: Vec<Pointer>,
    /// Which event said each field: the event itself or a correction.
    pub explained: Explanation,
}

/// The corrections that count at an instant, as patches of the events at the chains' starts.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    patches: HashMap<EventId, Patches>,
    corrections: BTreeSet<EventId>,
    /// When the last of them was recorded.
    pub(super) received_at: Option<Timestamp>,
    located: HashMap<EventId, Position>,
}

#[derive(Debug, Clone)]
struct Patches {
    /// The sequence of the first correction.
    first: u64,
    /// The sequence of the last one in any of the chains.
    last: u64,
    latest_first: Vec<Members>,
}

impl Patches {
    fn merge_into(self, payload: &mut Members) {
        for patch in self.latest_first.into_iter().rev() {
            merge(payload, patch);
        }
    }
}

impl Known {
    pub(super) fn contains(&self, correction: &EventId) -> bool {
        self.corrections.contains(correction)
    }

    /// The payload with its patches, which are used up by it.
    pub(super) fn patched(&mut self, event: Recorded) -> Result<Members, InvalidCorrection> {
        let Some(patches) = self.patches.remove(&event.event.event_id) else { return Ok(node::payload(event)) };
        if patches.first <= event.sequence {
            return Err(InvalidCorrection::BeforeOriginal { event_id: event.event.event_id });
        }
        let mut payload = node::payload(event);
        patches.merge_into(&mut payload);
        Ok(payload)
    }

    /// The events that have a correction after `sequence`, each with its place where that is known.
    pub(super) fn corrected_after(&self, sequence: u64) -> impl Iterator<Item = (&EventId, Option<Position>)> {
        let corrected = self.patches.iter().filter(move |(_, patches)| patches.last > sequence);
        corrected.map(|(event_id, _)| (event_id, self.located.get(event_id).copied()))
    }

    /// The events whose corrections have not been used.
    pub(super) fn unused(&self) -> Vec<EventId> {
        let mut unused: Vec<_> = self.patches.keys().cloned().collect();
        unused.sort_unstable();
        unused
    }
}
