//! Starting from a stored state, and when a fold must not.
//!
//! A stored state stands for all events that were in the log up to its position's sequence and that happened up to its
//! position's instant. So what came later is one of two: it comes after the state in the order of the fold, and can be
//! folded on top; or it belongs before it, and then the state is wrong. Nobody may find out by comparing: the fold says
//! so, and the caller starts from an earlier state or from none.
//!
//! What the fold cannot see is an erasure in an event that the state already holds. Whoever erases a field erases it
//! from the stored states too, or withdraws them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AsOf, Pointer, Position, View};
use crate::{ids::EventId, time::Timestamp};

/// What decides whether a stored state can be used, without the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotHeader {
    pub snapshot_id: String,
    pub view: View,
    /// The state holds every event with a sequence up to this one's that occurred up to this instant, and no other.
    pub position: Position,
    /// When the last event or correction in it had been recorded.
    pub known_at: Timestamp,
}

/// A state of an order as it was stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredState {
    pub header: SnapshotHeader,
    pub state: Map<String, Value>,
    /// The erased fields of the state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Pointer>,
}

/// Why a fold cannot start from a stored state; an earlier one may do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("the stored state was made for the other view of corrections")]
    OtherView,
    #[error("the stored state holds events that happened after the instant")]
    TooLate,
    #[error("the stored state holds events that were not known then")]
    NotKnownThen,
    #[error("event {event_id} was recorded after the stored state and happened before it")]
    LateEvent { event_id: EventId },
    #[error("event {event_id}, which the stored state may hold, was corrected after it")]
    CorrectedSince { event_id: EventId },
}

/// Where an event stands to a stored state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The state holds it.
    Inside,
    /// To be folded on top of the state.
    After,
    /// It should be in the state and is not.
    Late,
}

impl SnapshotHeader {
    /// Where an event stands to this state.
    #[must_use]
    pub fn place(&self, event: Position) -> Place {
        let known = event.sequence <= self.position.sequence;
        match event.occurred_at.cmp(&self.position.occurred_at) {
            std::cmp::Ordering::Less if !known => Place::Late,
            std::cmp::Ordering::Less => Place::Inside,
            std::cmp::Ordering::Equal if known => Place::Inside,
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Place::After,
        }
    }

    /// Says whether a fold may start here, as far as that is known without the events.
    ///
    /// # Errors
    /// [`Unusable::OtherView`], [`Unusable::TooLate`], [`Unusable::NotKnownThen`].
    pub fn usable(&self, as_of: &AsOf) -> Result<(), Unusable> {
        if self.view != as_of.view {
            return Err(Unusable::OtherView);
        }
        if as_of.at.is_some_and(|at| at < self.position.occurred_at) {
            return Err(Unusable::TooLate);
        }
        if as_of.knows(self.position.sequence, self.known_at) { Ok(()) } else { Err(Unusable::NotKnownThen) }
    }
}

/// The stored state with the least left to fold: the one with the latest position of those that are usable.
#[must_use]
pub fn nearest<'a>(stored: impl IntoIterator<Item = &'a SnapshotHeader>, as_of: &AsOf) -> Option<&'a SnapshotHeader> {
    stored.into_iter().filter(|header| header.usable(as_of).is_ok()).max_by_key(|header| header.position)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn at(second: u8) -> Timestamp {
        format!("2025-01-01T00:00:{second:02}Z").parse().unwrap()
    }

    fn header(second: u8, sequence: u64) -> SnapshotHeader {
        SnapshotHeader {
            snapshot_id: format!("snap_{second}_{sequence}"),
            view: View::Corrected,
            position: Position { occurred_at: at(second), sequence },
            known_at: at(30),
        }
    }

    #[test]
    fn what_came_later_is_after_the_state_or_too_late_for_it() {
        let place = |second, sequence| header(10, 5).place(Position { occurred_at: at(second), sequence });
        assert_eq!([place(9, 1), place(10, 5), place(10, 4)], [Place::Inside; 3]);
        assert_eq!([place(10, 6), place(11, 1), place(11, 6)], [Place::After; 3]);
        assert_eq!(place(9, 6), Place::Late);
    }

    #[test]
    fn the_nearest_usable_state_is_taken() {
        let stored = [header(10, 5), header(12, 5), header(12, 9), header(20, 6)];
        let nearest = |as_of: AsOf| nearest(&stored, &as_of).map(|header| header.snapshot_id.as_str());
        let base = AsOf::default();
        assert_eq!(nearest(base), Some("snap_20_6"));
        assert_eq!(nearest(AsOf { at: Some(at(19)), ..base }), Some("snap_12_9"));
        assert_eq!(nearest(AsOf { at: Some(at(19)), through: Some(8), ..base }), Some("snap_12_5"));
        assert_eq!(nearest(AsOf { at: Some(at(10)), ..base }), Some("snap_10_5"));
        assert_eq!(nearest(AsOf { at: Some(at(9)), ..base }), None);
        assert_eq!(nearest(AsOf { known_at: Some(at(29)), ..base }), None);
        assert_eq!(nearest(AsOf { view: View::Original, ..base }), None);
    }

    #[test]
    fn a_stored_state_reads_back() {
        let stored = StoredState { header: header(1, 1), state: Map::new(), redacted: vec!["/a".parse().unwrap()] };
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<StoredState>(&text).unwrap(), stored);
    }
}
