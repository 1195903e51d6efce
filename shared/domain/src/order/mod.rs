//! The state of an order, read from its events: what it was at an instant, and who says so.
//!
//! An order has no state of its own in the ledger; its state is the *fold* of its events, in the order of
//! ([`occurred_at`](Position::occurred_at), [`sequence`](Position::sequence)).
//!
//! 1. [`rule`]: what an event of a type does to the state; unless its registration says otherwise, its payload is a
//!    JSON Merge Patch (RFC 7396).
//! 2. [`correction`]: what an event's payload becomes by its corrections, which are Merge Patches over it.
//! 3. [`fold`]: the state at an instant, by one or both of two clocks: when things happened, and when we knew.
//! 4. [`snapshot`]: a fold that starts from a stored state, and when it must not.
//! 5. [`explain`]: which event set a field.
//! 6. [`aggregate`]: a timeline in numbers.
//!
//! Fields that were erased stay visible as such: their value is `null`, and the answer lists them.

use serde::{Deserialize, Serialize};

use crate::{event::Event, time::Timestamp};

pub mod aggregate;
pub mod correction;
pub mod explain;
pub mod fold;
mod merge_patch;
mod node;
pub mod pointer;
pub mod rule;
pub mod snapshot;

pub use aggregate::{Aggregate, Aggregator, Milestones};
pub use correction::{Corrections, Effective, InvalidCorrection};
pub use explain::{Explanation, Origin};
pub use fold::{AsOf, Fold, FoldError, Folded, Step, View};
pub use pointer::Pointer;
pub use rule::FoldRule;
pub use snapshot::{SnapshotHeader, StoredState, Unusable};

/// An event with what the ledger knows about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its place in the tenant's log, from 1.
    pub sequence: u64,
    /// When it was recorded, by our clock. It never falls as the sequence rises, so what was known at an instant is a
    /// prefix of the log.
    pub received_at: Timestamp,
    pub event: Event,
    /// The payload's erased fields, by pointers into the payload. What they point to reads as erased whatever its
    /// value; a pointer to nothing says nothing.
    pub redacted: Vec<Pointer>,
}

impl Recorded {
    /// Where the event stands in its order's history.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { occurred_at: self.event.occurred_at, sequence: self.sequence }
    }
}

/// A place in an order's history. Events are folded in this order: when they happened, and within one instant as they
/// were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    pub occurred_at: Timestamp,
    pub sequence: u64,
}
