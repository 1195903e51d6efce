//! Reading the history of an order: its state at an instant, its numbers, and what is said about its events.
//!
//! 1. [`linked`]: corrections, snapshots, attachments: one query.
//! 2. [`in_order`]: the events in the order of their fold, with bounded memory.
//! 3. [`as_of`]: the state, from the nearest stored state that can be used, or from the first event.
//! 4. [`capture`]: whether a state that somebody stores is the one that the events come to, so that later folds can start
//!    from it.
//! 5. [`states`]: stored states, as objects.

mod as_of;
mod capture;
mod documents;
mod in_order;
mod linked;
mod numbers;
mod states;
#[cfg(test)]
mod tests;

use domain::{
    ids::EventId,
    order::{FoldError, InvalidCorrection, Pointer, Recorded, Unusable},
};
use ledger::Opening;

pub use as_of::{OrderState, Question};
pub use capture::Captured;
pub use documents::{Attached, Documents};
pub use in_order::Reading;
pub use linked::{Linked, Said};
pub use states::{LINK_LIFETIME, States, sha256};

use crate::{
    Aws, Clock, ConfigError,
    error::StoreError,
    log::{Log, RecordedEvent},
    schemas::{FoldRules, Schemas},
};

/// Reads the histories of orders.
#[derive(Debug, Clone)]
pub struct History {
    log: Log,
    rules: FoldRules,
    states: States,
    /// Bytes of JSON that are held while events are put in order.
    window: usize,
}

impl History {
    /// Reads `SCHEMAS_TABLE` and `DATA_BUCKET`.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing.
    pub fn from_env(aws: &Aws, log: &Log) -> Result<Self, ConfigError> {
        let rules = FoldRules::new(Schemas::from_env(aws)?, Clock::System);
        Ok(Self::new(log.clone(), rules, States::from_env(aws)?))
    }

    /// Over an embedded DynamoDB and a bucket in memory.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(aws: &Aws, log: &Log, bucket: &crate::testing::MemoryBucket) -> Self {
        let rules = FoldRules::new(Schemas::new(aws, crate::testing::SCHEMAS), Clock::System);
        Self::new(log.clone(), rules, States::for_tests(bucket))
    }

    #[must_use]
    pub fn new(log: Log, rules: FoldRules, states: States) -> Self {
        Self { log, rules, states, window: in_order::WINDOW }
    }

    /// With another window than 32 MiB.
    #[must_use]
    pub fn with_window(self, bytes: usize) -> Self {
        Self { window: bytes, ..self }
    }

    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    #[must_use]
    pub fn states(&self) -> &States {
        &self.states
    }
}

/// Why a history cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was recorded after the corrections were read: read them again.
    #[error("correction {0} was not there when the corrections were read")]
    Unread(EventId),
    #[error(transparent)]
    Fold(#[from] FoldError),
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Self::Fold(unusable.into())
    }
}

impl From<InvalidCorrection> for Failure {
    fn from(invalid: InvalidCorrection) -> Self {
        Self::Fold(invalid.into())
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            Failure::Unread(_) => {
                Self::Unavailable { operation: "Query(Index)", code: "corrections are being recorded".to_owned() }
            }
            // What was recorded cannot be folded, which the checks before recording exclude.
            Failure::Fold(error) => Self::corrupt(error),
        }
    }
}

/// An event as the fold takes it.
pub(crate) fn recorded(event: RecordedEvent) -> Recorded {
    let RecordedEvent { entry, sequence, received_at, .. } = event;
    let redacted = match entry.opening {
        Opening::Secret(_) => Vec::new(),
        Opening::Fields { erased, .. } => {
            let pointers = erased.keys().filter_map(|pointer| pointer.parse::<Pointer>().ok());
            pointers.filter_map(|pointer| pointer.within("payload")).collect()
        }
    };
    Recorded { sequence, received_at, event: entry.event, redacted }
}
