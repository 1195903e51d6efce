//! A tenant's log and the index over it.
//!
//! The log is a run of *segments*, each at the sequence number of its first event; putting one where nothing is *is*
//! the commit. The index (an event by its id, an order's timeline) is written after the commit and can be written again
//! by anybody. The *watermark* says how far the index is complete. docs/ARCHITECTURE.md tells the life of an event.

mod append;
mod decide;
mod index;
mod read;
mod repair;
mod segment;
mod table;
#[cfg(test)]
mod tests;

use domain::ids::TenantId;
use ledger::Origin;

pub use append::Submission;
pub use decide::Outcome;
pub use index::{Receipt, RecordedEvent};
pub use read::{LogPosition, Order, ScanPage, Status, TimelinePage, TimelinePosition};
pub use repair::Repaired;
pub use segment::{Entry, SchemaTag, Segment};

use crate::{
    Aws, Clock,
    aws::{ConfigError, required},
};
use table::LogTables;

/// The logs of all tenants.
#[derive(Debug, Clone)]
pub struct Log {
    tables: LogTables,
    origin_prefix: String,
    clock: Clock,
}

impl Log {
    /// Reads `SEGMENTS_TABLE`, `INDEX_TABLE` and `LEDGER_ORIGIN`.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let tables = LogTables {
            dynamo: aws.dynamo().clone(),
            segments: required("SEGMENTS_TABLE")?,
            index: required("INDEX_TABLE")?,
        };
        Ok(Self { tables, origin_prefix: required("LEDGER_ORIGIN")?, clock: Clock::System })
    }

    /// Over the tables of an embedded DynamoDB.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(aws: &Aws, clock: Clock) -> Self {
        let tables = LogTables {
            dynamo: aws.dynamo().clone(),
            segments: crate::testing::SEGMENTS.to_owned(),
            index: crate::testing::INDEX.to_owned(),
        };
        Self { tables, origin_prefix: "history.example.com".to_owned(), clock }
    }

    /// The name of a tenant's log.
    #[must_use]
    pub fn origin(&self, tenant: &TenantId) -> Origin {
        Origin::new(&self.origin_prefix, tenant)
    }
}
