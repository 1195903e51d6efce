//! Which event set a field.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ids::EventId;

/// Who set each *field* of a state, by its JSON Pointer. A field is a scalar, an erased value or an empty container, as
/// in the ledger's content commitment.
pub type Explanation = BTreeMap<String, Origin>;

/// What a field's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Origin {
    /// The last event that said it, be it the same value as before. An empty container also comes from the event that
    /// took the last member out of it.
    Event {
        event_id: EventId,
        sequence: u64,
        /// Of a correction: the event that it puts right, in whose place it counts.
        #[serde(skip_serializing_if = "Option::is_none")]
        correction_of: Option<EventId>,
    },
    /// The stored state that the fold started from; what had set the field before is not known there.
    Snapshot { snapshot_id: String },
}
