//! A tenant's log and the index over it.
//!
//! The log is a run of *segments*, each at the sequence number of its first event; putting one where nothing is *is*
//! the commit. The index (an event by its id, an order's timeline) is written after the commit and can be written again
//! by anybody. The *watermark* says how far the index is complete. docs/ARCHITECTURE.md tells the life of an event.

mod append;
mod draft;
mod dynamo;
mod hints;
mod index;
#[cfg(feature = "testing")]
pub mod memory;
pub mod port;
pub mod protocol;
mod read;
mod segment;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::ids::TenantId;
use ledger::Origin;

pub use draft::{Draft, Submission};
pub use index::{EventItem, Found, IndexItem, IndexKey, Receipt, RecordedEvent};
pub use protocol::{Outcome, Repaired};
pub use read::{LogPosition, Order, ScanPage, Status, TimelinePage, TimelinePosition};
pub use segment::{Entry, SchemaTag, Segment, StoredSegment};

use crate::{
    Aws, Clock,
    aws::{ConfigError, required},
};
use dynamo::DynamoTables;
use hints::Hints;
use port::{LogName, Tables};

/// The logs of all tenants.
#[derive(Debug, Clone)]
pub struct Log {
    tables: Arc<dyn Tables>,
    origin_prefix: String,
    clock: Clock,
    hints: Hints,
}

impl Log {
    /// Reads `SEGMENTS_TABLE`, `INDEX_TABLE` and `LEDGER_ORIGIN`.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let tables = DynamoTables {
            client: aws.dynamo().clone(),
            segments: required("SEGMENTS_TABLE")?,
            index: required("INDEX_TABLE")?,
        };
        let origin_prefix = required("LEDGER_ORIGIN")?;
        Ok(Self { tables: Arc::new(tables), origin_prefix, clock: Clock::System, hints: Hints::default() })
    }

    /// Over the tables of an embedded DynamoDB.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(aws: &Aws, clock: Clock) -> Self {
        let tables = DynamoTables {
            client: aws.dynamo().clone(),
            segments: crate::testing::SEGMENTS.to_owned(),
            index: crate::testing::INDEX.to_owned(),
        };
        Self::over(Arc::new(tables), clock)
    }

    /// Over tables of any kind; the origins are `history.example.com/<tenant>`.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn over(tables: Arc<dyn Tables>, clock: Clock) -> Self {
        Self { tables, origin_prefix: "history.example.com".to_owned(), clock, hints: Hints::default() }
    }

    /// The name of a tenant's log.
    #[must_use]
    pub fn origin(&self, tenant: &TenantId) -> Origin {
        Origin::new(&self.origin_prefix, tenant)
    }

    fn name(&self, tenant: &TenantId) -> Arc<LogName> {
        Arc::new(LogName { tenant: tenant.clone(), origin: self.origin(tenant) })
    }
}
